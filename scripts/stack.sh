# stack.sh: what the scripts for the stack share. It is sourced, not run.
# shellcheck shell=bash

# Letters are ASCII's, whose I is i in every language: names of variables are made of those of files.
export LC_ALL=C

# STACK is the stack's name in the Swarm.
export STACK=${STACK:-woody}

# REGISTRY is where images are pushed to and pulled from, such as registry.example.org/woodytoys. Without
# one they stay on this machine: no registry answers at localhost, so that no image of a stranger is ever
# taken for ours.
export LOCAL_REGISTRY=localhost/woodytoys
export REGISTRY=${REGISTRY:-$LOCAL_REGISTRY}

# TAG is the version of api and front: that of the working tree.
version() {
	git describe --tags --always 2>/dev/null || {
		# No repository, or one that git does not open for this user: the content says which tree it is.
		printf 'unversioned-%s\n' "$(find . -type f ! -path './.git/*' ! -path './secrets/*' ! -path './bin/*' ! -path './data/*' ! -path './benchmarks/*' -print0 |
			LC_ALL=C sort -z | xargs -0 cat | sha256sum | cut -c1-12)"
		return
	}
	# What is not committed has a version too: that of its content.
	local changes
	changes=$(git diff HEAD; git ls-files --others --exclude-standard -z | xargs -0 -r cat)
	[ -z "$changes" ] || printf -- '-dirty-%s\n' "$(sha256sum <<<"$changes" | cut -c1-8)"
}
[ -n "${TAG:-}" ] || TAG=$(version | tr -d '\n')
export TAG

# PROXY_TAG is the version of the proxy: its content's. A release that changes nothing in reverse-proxy/ thus leaves
# the proxy running, and its port open.
[ -n "${PROXY_TAG:-}" ] || PROXY_TAG=config-$(cat reverse-proxy/Dockerfile reverse-proxy/haproxy.cfg | sha256sum | cut -c1-12)
export PROXY_TAG

# DATABASE_TAG and DATABASE_PROXY_TAG are the same for the nodes of stage database and the proxy before them: a release
# that changes nothing in there moves no data and breaks off no connection.
tagged() { printf -- '%s-%s' "$1" "$(find "${@:2}" -type f ! -name '*_test.go' | LC_ALL=C sort | xargs cat | sha256sum | cut -c1-12)"; }
[ -n "${DATABASE_TAG:-}" ] || DATABASE_TAG=$(tagged node database/Dockerfile database/*.go internal/framing internal/serving internal/settings go.mod go.sum)
[ -n "${DATABASE_PROXY_TAG:-}" ] || DATABASE_PROXY_TAG=$(tagged config database/proxy/Dockerfile database/proxy/haproxy.cfg)
export DATABASE_TAG DATABASE_PROXY_TAG

# tag_of IMAGE: the version of one of our images that the stack files name.
tag_of() {
	case $1 in
	reverse-proxy) echo "$PROXY_TAG" ;;
	database) echo "$DATABASE_TAG" ;;
	database-proxy) echo "$DATABASE_PROXY_TAG" ;;
	*) echo "$TAG" ;;
	esac
}

fail() {
	echo "scripts/${0##*/}: $*" >&2
	exit 1
}

# needs_docker: ends the script, unless Docker answers.
needs_docker() {
	docker version >/dev/null 2>&1 || fail "Docker does not answer${DOCKER_HOST:+ at $DOCKER_HOST}: start it, or set DOCKER_HOST"
}

# no_restore: ends the script while scripts/restore is at work, or was broken off.
no_restore() {
	local claims
	claims=$(docker config ls --filter "name=${STACK}_restoring" --format '{{.Name}}') ||
		fail "Docker does not say whether a restore is under way"
	! grep -qxF "${STACK}_restoring" <<<"$claims" ||
		fail "a restore is under way, or was broken off: wait until it has ended, or go on with it (scripts/restore); if nobody is to go on with it: docker config rm ${STACK}_restoring"
}

# A claim is a config of the Swarm named STACK_NAME, which one script alone can make and no container gets. Its label says
# who has made it: the machine, the process, and what else there is to say. STACK_restoring is scripts/restore's, and
# STACK_changing is of what starts replicas of the API.

# claim NAME [WORD...]: makes that claim, and sets claim to its id; it fails where there is one already.
claim() {
	claim=$(docker config create --label "woody.claim=$HOSTNAME $$ ${*:2}" "${STACK}_$1" - <<<"of scripts/${0##*/}" 2>/dev/null)
}

# unclaim: gives up what this script has claimed, if anything.
unclaim() {
	[ -z "${claim:-}" ] || docker config rm "$claim" >/dev/null 2>&1 || true
	claim=''
}

# holder NAME: a claim's id, and what its label says. It fails where there is no such claim.
holder() { docker config inspect --format '{{.ID}} {{index .Spec.Labels "woody.claim"}}' "${STACK}_$1" 2>/dev/null; }

# at_work MACHINE PROCESS: whether the script that has made a claim may be at work yet: of other machines nobody knows.
at_work() { [ "$1" != "$HOSTNAME" ] || { [ "$2" != $$ ] && grep -qsE 'deploy|restore|scale' "/proc/$2/cmdline"; }; }

# begin_change: has no restore begin until unclaim, and ends the script where one is under way. Of several changes the
# first one's claim does for those that begin beside it.
begin_change() {
	local id machine process
	if read -r id machine process _ < <(holder changing) && ! at_work "$machine" "$process"; then
		docker config rm "$id" >/dev/null 2>&1 || true # of one that was killed
	fi
	claim changing || true
	no_restore
}

# recovered: whether ./secrets were made in the place of lost ones, which it says: they do not replace what is kept.
recovered() {
	[ -e secrets/.recovered ] || return
	echo "scripts/${0##*/}: these ./secrets are not kept, since they were made in the place of lost ones: scripts/restore --secrets FOLDER gives those, and scripts/backup secrets keeps these" >&2
}

# needs_stack: ends the script, unless the stack is there.
needs_stack() {
	local names
	needs_docker
	names=$(services) || fail "Docker does not say which services there are"
	[ -n "$names" ] || fail "there is no stack '$STACK' here: scripts/deploy STAGE makes it"
}

# services: the names of the stack's services, a line each. It fails where Docker does not say: then nobody knows.
services() {
	docker service ls --filter "label=com.docker.stack.namespace=$STACK" --format '{{.Name}}'
}

# update_state SERVICE: how its last update goes; nothing where there was none.
update_state() { docker service inspect --format '{{with .UpdateStatus}}{{.State}}{{end}}' "$1"; }

# settled SERVICE: whether all its tasks run, are healthy and are made as the service is now. It prints what is awaited.
# What Docker does not say is awaited too.
settled() {
	local wanted='' running='' state tasks made are
	state=$(update_state "$1" 2>/dev/null) || {
		echo "$1: Docker does not say how it is"
		return 1
	}
	case $state in
	updating | rollback_started)
		echo "$1: $state"
		return 1
		;;
	paused | rollback_paused)
		echo "$1: its update is paused"
		return 1
		;;
	esac
	tasks=$(docker service ls --filter "name=$1" --format '{{.Name}} {{.Replicas}}' |
		sed -n "s|^$1 \([0-9]*\)/\([0-9]*\).*|\1 \2|p") || tasks=''
	read -r running wanted _ <<<"$tasks"
	if [ -z "$wanted" ] || [ "$running" != "$wanted" ]; then
		echo "$1: ${running:-an unknown number} of ${wanted:-its} tasks are healthy"
		return 1
	fi
	# shellcheck disable=SC2086 # a list of ids on purpose
	made=$(docker service inspect --format '{{json .Spec.TaskTemplate.ContainerSpec}}' "$1" | sed 's/,"DNSConfig":{}//') &&
		tasks=$(docker service ps --quiet --no-trunc --filter desired-state=running "$1") &&
		are=$([ -z "$tasks" ] || docker inspect --type task --format '{{json .Spec.ContainerSpec}}' $tasks) || {
		echo "$1: Docker does not say what its tasks are"
		return 1
	}
	if [ -n "$tasks" ] && grep -vqxF "$made" <<<"$are"; then
		echo "$1: old tasks are being replaced"
		return 1
	fi
}

# awaited [SERVICE...]: prints what is awaited of these services, or of the whole stack.
awaited() {
	local service names=$*
	if [ $# = 0 ] && { ! names=$(services) || [ -z "$names" ]; }; then
		echo "Docker does not say which services there are"
		return
	fi
	for service in $names; do settled "$service" || true; done
}

# await_settled SECONDS [SERVICE...]: waits until these services, or the whole stack, are settled, and says what it waits
# for. An update that rolled back or was paused ends the script, as does time running out; all show why tasks failed.
# That the service in $rolled_back has rolled back is known, and of before.
await_settled() {
	local within=$1 deadline=$((SECONDS + $1)) shown='' left service names state back=''
	shift
	while left=$(awaited "$@") && [ -n "$left" ]; do
		if [ "$left" != "$shown" ]; then
			shown=$left
			echo "  ${left//$'\n'/$'\n'  }"
		fi
		if [[ $left = *'its update is paused'* ]]; then
			failed_tasks
			fail "${left//$'\n'/; }: docker service ps SERVICE tells why; mend that, and docker service update SERVICE goes on with it"
		fi
		if [ "$SECONDS" -gt "$deadline" ]; then
			failed_tasks
			fail "not settled after $within seconds: ${left//$'\n'/; } (docker service logs SERVICE tells more)"
		fi
		sleep 1
	done
	names=$([ $# -gt 0 ] && printf '%s\n' "$@" || services) || fail "Docker does not say which services there are"
	for service in $names; do
		state=$(update_state "$service") || fail "Docker does not say how $service was updated"
		[ "$state" != rollback_completed ] || [ "$service" = "${rolled_back:-}" ] || back="$back $service"
	done
	if [ -n "$back" ]; then
		failed_tasks
		fail "rolled back to what ran before:$back"
	fi
}

# failed_tasks: the last tasks that failed and why.
failed_tasks() {
	{
		# It fails where there are none.
		docker stack ps --no-trunc --filter desired-state=shutdown --format '{{.Name}}  {{.Image}}  {{.CurrentState}}  {{.Error}}' "$STACK" 2>/dev/null || true
	} | awk -F '  ' '$4 != "" && n++ < 10' >&2
}

# content FILE...: what a Swarm config or secret of that content has at the end of its name.
content() { printf -- '-%s' "$(cat "$@" | sha256sum | cut -c1-12)"; }

# name_secrets: has each Swarm secret of a file in ./secrets named by its content, so that another content is another
# secret, and only services that use it change.
name_secrets() {
	local file name
	for file in secrets/*; do
		name=${file#secrets/}
		[[ $name =~ ^[a-z0-9_]+$ ]] || continue
		export "${name^^}_TAG=$(content "$file")"
	done
}

# also_used FILE...: prints a secret of another stack that has the content of one of these files of ./secrets. It fails
# where there is none; where Docker does not say, it does not.
also_used() {
	local names others file
	names=$(docker secret ls --format '{{.Name}}') || {
		echo "perhaps something"
		return
	}
	for file; do
		# What scripts/secrets writes for lack of credentials is the same for all.
		[[ $file =~ ^[a-z0-9_]+$ ]] && [ -e "secrets/$file" ] && [ "$file" != backup_credentials ] || continue
		others=$(grep -vxF -- "${STACK}_$file$(content "secrets/$file")" <<<"$names") || continue
		if grep -m 1 -- "_$file$(content "secrets/$file")\$" <<<"$others"; then return; fi
	done
	return 1
}

# keep_copy: keeps ./secrets beside the backups where the stack has any, or says that the copy there is one of before.
keep_copy() {
	docker service inspect "${STACK}_backup" >/dev/null 2>&1 && ! recovered || return 0
	scripts/backup secrets >/dev/null ||
		echo "scripts/${0##*/}: ./secrets as they are now are not backed up: scripts/backup secrets, on the node of the backup, does it" >&2
}

# forget_unused: removes the configs that no service has any more, of those that are named by their content, and such
# secrets.
forget_unused() {
	local kind name
	for kind in config secret; do
		# Secrets of earlier versions were not named by their content.
		for name in $(docker "$kind" ls --filter "label=com.docker.stack.namespace=$STACK" --format '{{.Name}}' |
			grep -E -- "$([ $kind = secret ] && echo . || echo '-[0-9a-f]{12}$')"); do
			docker "$kind" rm "$name" >/dev/null 2>&1 || true # those in use stay
		done
	done
}

# secured: whether the running stack has stage secure.
secured() { docker service inspect "${STACK}_certificate" >/dev/null 2>&1; }

# shop_host: the shop's name: SHOP_HOST, or what it was when it was given last, or localhost.
shop_host() {
	local host=${SHOP_HOST:-}
	[ -n "$host" ] || host=$(cat secrets/shop_host 2>/dev/null) || true
	echo "${host:-localhost}"
}

# name_shop HOST: sets the shop's name.
name_shop() { [ "$(SHOP_HOST='' shop_host)" = "$1" ] || (umask 077 && echo "$1" >secrets/shop_host); }

# url: where the stack is.
url() {
	local port=${HTTP_PORT:-80} host shop
	host=$(docker node inspect self --format '{{.Status.Addr}}' 2>/dev/null || echo localhost)
	[ "$host" != 127.0.0.1 ] || host=localhost
	if secured; then
		[ "${HTTPS_PORT:-443}" != 443 ] && port=:$HTTPS_PORT || port=
		shop=$(shop_host)
		[ "${SHOP_HOST:-}$shop" = localhost ] || host=$shop
		echo "https://$host$port"
		return
	fi
	[ "$port" != 80 ] && port=:$port || port=
	echo "http://$host$port"
}

# keeper: the container of the backup. It ends the script unless there is one here.
keeper() {
	local id node
	docker service inspect "${STACK}_backup" >/dev/null 2>&1 ||
		fail "stack '$STACK' has no backup: deploy it with stage backup, such as scripts/deploy redis backup"
	id=$(docker ps -q --filter "label=com.docker.swarm.service.name=${STACK}_backup" --filter health=healthy | head -n 1)
	if [ -z "$id" ]; then
		node=$(docker service ps --filter desired-state=running --format '{{.Node}}' "${STACK}_backup" | head -n 1)
		fail "the backup runs on ${node:-no node} and is not ready, or not to be asked from this node: docker service ps ${STACK}_backup tells more"
	fi
	echo "$id"
}
