# stages.sh: the table of the stages, and what a sum of them is made of. It is sourced, not run.
# shellcheck shell=bash

# stages is the table. A line is NAME KIND ON NOT FILE OURS THEIRS:
#   KIND    base, of which a sum has one, or more, which are added to a base
#   ON      the stage that it is on top of
#   NOT     the stages that it cannot be together with
#   FILE    its stack file
#   OURS    the images that scripts/images builds for it
#   THEIRS  the images of others that it runs
# Lists have commas between, and - is none. Files are laid on top of each other in this order; those named
# stack-A-B.yml come last, where both A and B are in the sum. A new stage is a line here.
stages='
baseline       base  -         -  stack.yml                api,front,reverse-proxy  mariadb:11.8
replicas       base  -         -  stack.yml                api,front,reverse-proxy  mariadb:11.8
redis          base  replicas  -  stack-redis.yml          -                        redis:8.0
cdn            base  redis     -  stack-cdn.yml            cdn                      -
database       more  -         baseline  stack-database.yml  database,database-proxy  -
backup         more  -         -  stack-backup.yml         backup                   -
observability  more  -         -  stack-observability.yml  observer                 WATCHERS
secure         more  -         -  stack-secure.yml         certificate              -
'

# watchers are the images that stage observability runs, each in the version of Debian 13's package, so that a stand-in
# is what is pinned. Grafana is not among them: it has no stand-in, and stack-observability-grafana.yml is left out
# where it cannot be had.
watchers=prom/prometheus:v2.53.3,prom/alertmanager:v0.28.1,prom/node-exporter:v1.9.0
watchers+=,prom/mysqld-exporter:v0.17.2,oliver006/redis_exporter:v1.69.0-alpine
stages=${stages/WATCHERS/$watchers}

# stages_of KIND: their names, with commas between.
stages_of() { awk -v kind="$1" '$2 == kind {printf "%s%s", n++ ? ", " : "", $1}' <<<"$stages"; }

# includes NAME...: whether the sum has one of them. It goes by parts.
includes() {
	local name
	for name in "$@"; do
		[[ " ${parts[*]} " != *" $name "* ]] || return 0
	done
	return 1
}

# sum NAME...: what stages together are made of, in whatever order they are named: parts, its stages with all that they
# are on top of; named, those that were named, in the table's order; files, ours and theirs. It fails with the reason if
# there is no such sum.
sum() {
	parts=() named=() files=() ours=() theirs=()
	local name kind on not file our their above
	for name in "$@"; do
		awk -v name="$name" '$1 == name {found = 1} END {exit !found}' <<<"$stages" ||
			fail "there is no stage '$name': name one of $(stages_of base), and $(stages_of more) besides if you like"
	done
	while read -r name kind _; do
		[[ " $* " = *" $name "* ]] || continue
		[ "$kind" != base ] || above=${above:+$above and }$name
		named+=("$name")
	done < <(sed /^$/d <<<"$stages")
	[ ${#named[@]} = $# ] || fail "a stage is named twice: $*"
	[ -n "${above:-}" ] || fail "$* is added to a stage: scripts/deploy redis $*, or another one of $(stages_of base)"
	[[ $above != *' and '* ]] || fail "$above are not added to each other, since each has the one before in it: name one of them"

	# From the last to the first, so that what is on top names what is below.
	local wanted=" ${named[*]} "
	while read -r name kind on not file our their; do
		[[ $wanted = *" $name "* ]] || continue
		wanted+="$on "
		parts=("$name" "${parts[@]}")
	done < <(sed /^$/d <<<"$stages" | tac)
	while read -r name kind on not file our their; do
		includes "$name" || continue
		! includes ${not//,/ } || fail "$name cannot be together with $not: leave one out"
		files+=("$file")
		[ "$our" = - ] || ours+=(${our//,/ })
		[ "$their" = - ] || theirs+=(${their//,/ })
	done < <(sed /^$/d <<<"$stages")
	for name in "${parts[@]}"; do
		for on in "${parts[@]}"; do
			[ ! -e "stack-$name-$on.yml" ] || files+=("stack-$name-$on.yml")
		done
	done
}
