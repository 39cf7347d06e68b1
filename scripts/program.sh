# program.sh: compiles the operator's programs. It is sourced, not run.
# shellcheck shell=sh

# program NAME: compiles the program in the folder NAME of the tree, which is the working directory, and prints where it
# is. It is called in a shell of its own, as $(program NAME). That is done by this machine's Go, or where there is none by
# that in the image that the images are built in, which gets the tree on its standard input: Docker may be elsewhere.
program() {
	mkdir -p bin
	# Each has a file of its own until it is whole: two may be started at once.
	program_name=${1##*/}
	program_new=bin/$program_name.$$
	trap 'rm -f "$program_new"' EXIT
	trap 'exit 1' INT TERM HUP
	if command -v go >/dev/null 2>&1; then
		GOWORK=off CGO_ENABLED=0 go build -trimpath -o "$program_new" "./$1" >&2
	else
		tar -c --exclude=./.git --exclude=./bin --exclude=./secrets --exclude=./benchmarks/runs . |
			docker run --rm -i golang:1.26 sh -c 'mkdir /src && tar -x -C /src && cd /src &&
				CGO_ENABLED=0 go build -trimpath -buildvcs=false -o /tmp/program "./$0" >&2 && cat /tmp/program' "$1" >"$program_new" &&
			chmod +x "$program_new"
	fi || {
		echo "scripts/$program_name: it could not be compiled: that needs Go, or Docker and the image golang:1.26 (scripts/images)" >&2
		return 1
	}
	mv "$program_new" "bin/$program_name"
	echo "bin/$program_name"
}
