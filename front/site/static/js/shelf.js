// shelf: the toys on show. A toy's name is only ever set as text.

const shelf = document.getElementById("shelf");
const names = document.getElementById("toy-names");

// put shows a toy that was just made, at the front.
export function put(toy, onOrder) {
  document.getElementById(`toy-${toy.id}`)?.remove();
  const item = document.createElement("li");
  item.id = `toy-${toy.id}`;
  item.className = "toy new";
  item.append(picture(toy), tag(toy));
  shelf.prepend(item);
  names.prepend(new Option("", toy.name));
  document.getElementById("shelf-note").textContent = "The newest toys come first.";
  offer(item, onOrder);
}

// offerAll gives every toy of the page a button to order it.
export function offerAll(onOrder) {
  for (const item of document.querySelectorAll(".toy")) offer(item, onOrder);
}

function offer(item, onOrder) {
  const name = item.querySelector(".name").textContent;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Order";
  button.className = "order";
  button.ariaLabel = `Order ${name}`;
  button.addEventListener("click", () => onOrder(item.querySelector(".name").textContent)); // it may be renamed
  item.querySelector(".tag").append(button);
}

function picture(toy) {
  const image = new Image(212, 202);
  image.alt = "";
  image.src = `/assets/toy-picture?name=${encodeURIComponent(toy.name)}`;
  return image;
}

function tag(toy) {
  const box = element("div", "tag");
  box.append(element("bdi", "name", toy.name), " ", element("span", "number", `No. ${toy.id}`));
  return box;
}

function element(kind, className, text = "") {
  const made = document.createElement(kind);
  made.className = className;
  made.textContent = text;
  return made;
}
