package site_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/woodytoys/woodytoys/front/site"
	"github.com/woodytoys/woodytoys/internal/programs"
)

const accountPassword = "a toy box of oak"

// mustStartShopWithAccounts starts the real shop, with accounts, and returns its address. It is localhost's, to which
// browsers give a cookie that is for TLS alone.
func mustStartShopWithAccounts(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "api")
	if err := programs.BuildShop(program); err != nil {
		t.Fatal(err)
	}
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte(accountPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	shop, err := programs.StartShop(exec.Command(program), filepath.Join(dir, "log"),
		"WOODY_DATA_DIR="+filepath.Join(dir, "data"), "WOODY_ACCOUNTS=on", "WOODY_ADMIN_PASSWORD_FILE="+password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shop.Kill)
	return strings.Replace(shop.URL, "127.0.0.1", "localhost", 1)
}

// signIn signs in, or makes the account first: button is the value of the one to press.
func (b *tab) signIn(name, button string) {
	b.t.Helper()
	b.waitFor("the form", `!document.getElementById("signed-out").hidden`)
	b.must(chromedp.SetValue("#account-name", name), chromedp.SetValue("#account-password", accountPassword),
		chromedp.Click(`#sign-in button[value=`+button+`]`))
}

func (b *tab) mustBeSignedIn(name, role string) {
	b.t.Helper()
	b.waitFor(name+" to be signed in", `!document.getElementById("signed-in").hidden &&
		document.getElementById("who").textContent === `+quoted(name)+` &&
		document.getElementById("role").textContent === `+quoted(role))
}

func (b *tab) signOut() {
	b.t.Helper()
	b.must(chromedp.Click("#sign-out"))
	b.waitFor("the end of the session", said("Signed out."))
}

func said(text string) string {
	return `document.getElementById("account-said").textContent.includes(` + quoted(text) + `)`
}

// shown returns which cards there are for who is signed in.
func (b *tab) shown() string {
	b.t.Helper()
	return evaluate[string](b, `["call-add", "call-order", "call-status", "accounts"]
		.filter((id) => !document.getElementById(id).hidden).join(" ")`)
}

// TestPageWithAccounts uses a real shop with accounts as a customer, an administrator and a clerk.
func TestPageWithAccounts(t *testing.T) {
	t.Parallel()
	base := mustStartShopWithAccounts(t)
	b := mustOpenTab(t)
	b.must(chromedp.Navigate(base))
	b.waitFor("the form", `!document.getElementById("signed-out").hidden`)
	if got := b.shown(); got != "" {
		t.Errorf("nobody is shown %q", got)
	}
	if evaluate[bool](b, `[...document.querySelectorAll(".toy .order")].some((button) => button.checkVisibility())`) {
		t.Error("nobody is offered to order")
	}
	b.audit("light", 1280, "signed out")

	b.signIn("ann", "register")
	b.mustBeSignedIn("ann", "customer")
	if got, want := b.shown(), "call-order call-status"; got != want {
		t.Errorf("a customer is shown %q, want %q", got, want)
	}
	b.must(chromedp.Click(`#shelf .toy .order`))
	b.waitFor("the order's success", answerHas("call-order", ": Success"))
	b.must(chromedp.Click("#own-orders button"))
	b.waitFor("the order's status", answerHas("call-status", "Success"))
	b.audit("light", 1280, "a customer")
	b.photograph("customer")

	kept := evaluate[string](b, `JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])`)
	if strings.Contains(kept, "eyJ") || strings.Contains(kept, "woody-session") {
		t.Errorf("what a script can read later is %s", kept)
	}
	b.must(chromedp.Reload())
	b.mustBeSignedIn("ann", "customer") // by the cookie
	if got := evaluate[int](b, `document.querySelectorAll("#own-orders li").length`); got != 1 {
		t.Errorf("%d orders are shown after a reload, want 1", got)
	}
	evaluate[bool](b, callModule+`.then(({ signed }) => { signed.token = "of.another.time"; return true; })`)
	b.must(chromedp.Click("#own-orders button"))
	b.waitFor("the status by a new token", answerHas("call-status", "Success"))

	// The network fails as she signs out: the session goes on, and the page says so.
	evaluate[bool](b, `(window.whole = window.fetch, window.fetch = () => Promise.reject(new TypeError("away")), true)`)
	b.must(chromedp.Click("#sign-out"))
	b.waitFor("what is said of it", said("You are still signed in"))
	b.mustBeSignedIn("ann", "customer")
	evaluate[bool](b, `(window.fetch = window.whole, true)`)

	// In another tab the administrator signs in: what ann presses here is not done as him.
	evaluate[bool](b, `fetch("/api/session", { method: "POST", headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ name: "admin", password: `+quoted(accountPassword)+` }) }).then(({ ok }) => ok)`)
	evaluate[bool](b, callModule+`.then(({ signed }) => { signed.token = "of.another.time"; return true; })`)
	b.must(chromedp.Click("#own-orders button"))
	b.mustBeSignedIn("admin", "administrator")
	b.waitFor("what is said of it", said("Somebody else has signed in"))
	b.waitFor("the refusal", answerHas("call-status", "token"))
	b.signOut()
	if got := evaluate[string](b, `JSON.stringify([{ ...localStorage }, { ...sessionStorage }])`); got != "[{},{}]" {
		t.Errorf("after signing out %s is left", got)
	}
	left := answerOf("call-status") + ` + document.getElementById("status-id").value`
	if got := evaluate[string](b, left); got != "Not asked yet." {
		t.Errorf("after signing out the page shows %q", got)
	}

	b.signIn("admin", "sign-in")
	b.mustBeSignedIn("admin", "administrator")
	b.waitFor("the accounts", `document.querySelectorAll("#account-rows tr").length === 2`)
	b.audit("dark", 360, "an administrator")
	b.photograph("administrator")
	evaluate[bool](b, `(() => {
		const choice = document.querySelector('#account-rows select[aria-label="Role of ann"]');
		choice.value = "clerk";
		choice.dispatchEvent(new Event("change"));
		return document.querySelector('#account-rows select[aria-label="Role of admin"]').disabled;
	})()`)
	b.waitFor("the role", said("ann is clerk now."))
	b.signOut()

	b.signIn("ann", "sign-in")
	b.mustBeSignedIn("ann", "clerk")
	if got, want := b.shown(), "call-add call-order call-status"; got != want {
		t.Errorf("a clerk is shown %q, want %q", got, want)
	}
	b.ask("call-add", "add-name", hostileName)
	const first = `#shelf li:first-child .clerk `
	b.waitFor("the new toy", `document.querySelector("#shelf .name").textContent === `+quoted(hostileName))
	b.waitFor("its buttons", `document.querySelectorAll("`+first+`button").length === 2`)
	press := func(which string) { // by the page itself: a shelf that grows moves what is pressed
		b.t.Helper()
		evaluate[bool](b, `(document.querySelector("`+first+which+`").click(), true)`)
	}
	press("button")
	b.waitFor("the field", `document.activeElement === document.querySelector("`+first+`input")`)
	evaluate[bool](b, `(document.activeElement.value = "Robot", true)`)
	press("button")
	b.waitFor("what became of the name", `document.getElementById("account-said").textContent !== ""`)
	got := evaluate[string](b, `document.getElementById("account-said").textContent`)
	if want := hostileName + " is called Robot now."; got != want {
		t.Errorf("after renaming the page says %q, want %q", got, want)
	}
	b.audit("light", 1280, "a clerk")
	b.photograph("clerk")
	press("button:last-child")
	b.waitFor("the toy to be gone", said("Robot is off the shelf."))

	// Signed out everywhere, from elsewhere.
	evaluate[bool](b, callModule+`.then(({ signed }) => fetch("/api/sessions",
		{ method: "DELETE", headers: { Authorization: "Bearer " + signed.token } })).then((response) => response.ok)`)
	b.must(chromedp.Click(`#shelf .toy .order`))
	b.waitFor("the end of the session", said("The session has ended; sign in again."))
	if got := b.shown(); got != "" {
		t.Errorf("after the session %q is shown", got)
	}
	b.signIn("nobody at all", "sign-in")
	b.waitFor("the refusal", `document.querySelector("#account-said.failed")`)
}

// callModule is the promise of the page's own instance of call.js.
const callModule = `import(document.querySelector('link[href*="/call."]').href)`

// TestPageWithoutAccounts checks that nothing of accounts is in the page of a shop that has none.
func TestPageWithoutAccounts(t *testing.T) {
	base := mustStartShop(t, newFakeAPI(shelf...), site.Config{})
	b := mustOpenTab(t)
	b.must(chromedp.Navigate(base))
	b.waitFor("the page's script", `document.querySelector("#shelf button")`)
	if evaluate[bool](b, `document.querySelector("#account, [data-right]") !== null ||
		performance.getEntriesByType("resource").some(({ name }) => /account|clerk/.test(name))`) {
		t.Error("the page has something of accounts")
	}
}
