# nodes.sh: what the scripts share of the nodes of stage database. It is sourced after stack.sh, not run.
# shellcheck shell=bash

# nodes are the services, in the order in which they take the writes.
nodes=(database database2 database3)

# clustered: whether the stack that runs has these nodes.
clustered() { docker service inspect "${STACK}_database2" >/dev/null 2>&1; }

# ask_nodes prints a line for each node: its name, and what it says of itself at /state, if anything, as JSON. It runs in
# a container that is in the nodes' network.
# shellcheck disable=SC2016 # expanded in there
ask_nodes='for node in "$@"; do
	said=$(timeout 3 bash -c "exec 3<>/dev/tcp/$node/9200 && printf \"GET /state HTTP/1.0\r\n\r\n\" >&3 && cat <&3" 2>/dev/null |
		sed "1,/^\r*\$/d" | tr -d "\r\n")
	echo "$node $said"
done'

# ask: asks the nodes for their state, and stores it in said, by name. It asks from a container of theirs or of their
# proxy that runs on this machine, or else from one that it starts.
declare -A said
ask() {
	local id of="label=com.docker.swarm.service.name=${STACK}_" lines=''
	said=()
	for id in $(for name in database-proxy "${nodes[@]}"; do docker ps -q --filter status=running --filter "$of$name"; done); do
		lines=$(docker exec "$id" bash -c "$ask_nodes" bash "${nodes[@]}" 2>/dev/null) && break || lines=''
	done
	[ -n "$lines" ] || lines=$(docker run --rm --network "${STACK}_nodes" --read-only --cap-drop ALL --entrypoint bash \
		"$REGISTRY/database-proxy:$DATABASE_PROXY_TAG" -c "$ask_nodes" bash "${nodes[@]}" 2>/dev/null) || lines=''
	local name text
	while read -r name text; do
		[ -z "$name" ] || said[$name]=$text
	done <<<"$lines"
}

# is NODE FIELD: whether a node said so of itself.
is() { [[ ${said[$1]:-} =~ \"$2\":\ *true ]]; }

# says NODE FIELD: what a node said of itself, in words or numbers.
says() {
	if [[ ${said[$1]:-} =~ \"$2\":\ *\"(([^\"\\]|\\.)*)\" ]] || [[ ${said[$1]:-} =~ \"$2\":\ *(-?[0-9]+) ]]; then
		printf '%s' "${BASH_REMATCH[1]//\\\"/\"}"
	fi
}

# synced NODE: whether it has what the cluster has, as a part of it.
synced() { is "$1" primary && is "$1" synced; }

# all_synced: whether every node is.
all_synced() {
	local node
	for node in "${nodes[@]}"; do synced "$node" || return 1; done
}

# a_cluster: whether any node is part of a cluster that has the majority.
a_cluster() {
	local node
	for node in "${nodes[@]}"; do ! is "$node" primary || return 0; done
	return 1
}

# condition NODE: what a node is now, in a word or two, and why.
condition() {
	local does
	does=$(
		! is "$1" writer || printf ', writes'
		! is "$1" reader || printf ', is read'
		! is "$1" lagging || printf ', lags behind'
		! is "$1" disk_full || printf ', its disk is full'
	)
	case $(says "$1" phase) in
	'') echo 'silent' ;;
	waiting) echo "waiting: $(says "$1" why)" ;;
	starting) echo "joining: $(says "$1" why)" ;;
	*)
		if [ "$(says "$1" size)" = 0 ]; then
			echo 'silent: its program lives, and its server says nothing'
		elif ! is "$1" primary; then
			echo "non-primary: without the majority it takes and answers nothing ($(says "$1" why))"
		elif is "$1" donor; then
			echo "donor: it sends all the data to another node$does"
		elif is "$1" synced; then
			echo "synced$does"
		else
			echo "joining: it is given what it has missed$does"
		fi
		;;
	esac
}

# show_nodes: a line for each node.
show_nodes() {
	local node
	for node in "${nodes[@]}"; do
		printf '  %-10s %-12s %s\n' "$node" "$(says "$node" seqno)" "$(condition "$node")"
	done
}

# best_node: the node that a cluster should begin with, of those that say how they are: data that no cluster has goes
# before a cluster's, then who has the most of it, then the order.
best_node() {
	local node best='' most=-2 has
	for node in "${nodes[@]}"; do
		case $(says "$node" data) in
		alone) has=9223372036854775807 ;;
		cluster) has=$(says "$node" seqno) ;;
		*) continue ;;
		esac
		[ "${has:-0}" -le "$most" ] || best=$node most=${has:-0}
	done
	echo "$best"
}

# hint: what is to be done by hand, if anything.
hint() {
	local node best silent=() undecided=no
	! a_cluster || return 0
	for node in "${nodes[@]}"; do
		[ -n "${said[$node]:-}" ] || silent+=("$node")
		[[ $(says "$node" why) != *'database bootstrap'* ]] || undecided=yes
	done
	best=$(best_node)
	if [ ${#silent[@]} = 3 ]; then
		echo "No node says anything: docker service ps ${STACK}_database tells why"
	elif [ ${#silent[@]} -gt 0 ]; then
		echo "There is no majority. It comes back by itself with ${silent[*]}."
		[ -z "$best" ] || echo "If that is lost for good, with what it may have that the others have not: scripts/database bootstrap $best"
	elif [ $undecided = yes ]; then
		echo "The nodes cannot tell whose data is the newest: choose one of them, scripts/database bootstrap ${best:-NODE}"
	else
		echo "All three are there: they begin by themselves in a moment"
	fi
}
