# roll.sh: how what runs is given another content of a file of ./secrets. It is sourced, not run, behind stack.sh, by
# scripts that have say WORD..., which prints what is done.
# shellcheck shell=bash

# roll FILE...: gives each service that has one of these files as a secret its content now, one service after the other,
# and returns when all their tasks have it.
roll() {
	local service names rolled_back
	names=$(services) || return
	for service in $names; do
		rolled_back=''
		no_restore # which would be broken off where the backup, or the database, is started again
		renew_secrets "$service" "$@" || return
		# One that was broken off has left services with the new content, and tasks of theirs with the old one.
		if [ -z "$renewed" ]; then
			[ -n "$uses" ] && [ -n "$(awaited "$service")" ] || continue
			[ "$(update_state "$service")" != rollback_completed ] || rolled_back=$service
		fi
		await_settled "${DEPLOY_TIMEOUT:-300}" "$service" || return
	done
	forget_unused
}

# renew_secrets SERVICE FILE...: gives a service the content that these files have now, and sets uses if it has any of
# them, and renewed if that was another content. It has all of them at once: no task starts with one file's new content
# and another's old one.
renew_secrets() {
	local service=$1 file old new said changes=()
	shift
	uses='' renewed=''
	said=$(secrets_of "$service") || return
	while read -r old file; do
		[[ " $* " = *" $file "* ]] || continue
		uses=yes
		new=${STACK}_$file$(content "secrets/$file")
		[ "$new" != "$old" ] || continue
		docker secret inspect "$new" >/dev/null 2>&1 ||
			docker secret create --label "com.docker.stack.namespace=$STACK" "$new" "secrets/$file" >/dev/null || return
		changes+=(--secret-rm "$old" --secret-add "source=$new,target=$file")
	done <<<"$said"
	[ ${#changes[@]} -gt 0 ] || return 0
	say "  $service"
	renewed=yes
	update_secrets "$service" "${changes[@]}" || return
	order_secrets "$service"
}

# order_secrets SERVICE: has a service have its secrets in the order of their names. A deployment has them so, and for
# another order would start its tasks again. docker puts what is added at the end, several in any order: so those that
# are not in their place are put there one by one. The service has all at any time.
order_secrets() {
	local service=$1 line name file said sorted=() kept=0
	said=$(secrets_of "$service") || return
	mapfile -t sorted < <(LC_ALL=C sort <<<"$said")
	while read -r line; do
		[ "$line" != "${sorted[kept]:-}" ] || kept=$((kept + 1))
	done <<<"$said"
	for line in "${sorted[@]:kept}"; do
		read -r name file <<<"$line"
		update_secrets "$service" --secret-rm "$name" --secret-add "source=$name,target=$file" || return
	done
}

# secrets_of SERVICE: its secrets, a line each: the name, and that of the file in ./secrets and in its containers.
secrets_of() {
	docker service inspect --format '{{range .Spec.TaskTemplate.ContainerSpec.Secrets}}{{println .SecretName .File.Name}}{{end}}' \
		"$1" | sed /^$/d
}

update_secrets() {
	docker service update --quiet --detach --no-resolve-image "${@:2}" "$1" >/dev/null </dev/null
}

# current FILE...: ends the script where a service has another content of one of these files than ./secrets: a change
# that began with an older one would have the store refuse what is in service.
current() {
	local service names said had file
	names=$(services) || fail "Docker does not say which services there are"
	for service in $names; do
		said=$(secrets_of "$service") || fail "Docker does not say which secrets $service has"
		while read -r had file; do
			[[ " $* " != *" $file "* ]] || [ "$had" = "${STACK}_$file$(content "secrets/$file")" ] ||
				fail "$service has another $file than $PWD/secrets: it was changed elsewhere, or scripts/deploy has not brought it into use; bring those files here, or deploy, first"
		done <<<"$said"
	done
}
