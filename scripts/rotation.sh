# rotation.sh: how a password in use is changed. It is sourced, not run: scripts/rotate does it on a Swarm, and tests on
# servers of their own. Both say how a store is reached, and how those who use a password are given the new one:
#
#   at STORE            runs the bash script on standard input where STORE (database, redis, grafana or backup) is to be
#                       reached by its programs, at $DATABASE_ADDRESS, $REDIS_ADDRESSES, $GRAFANA_ADDRESS, or
#                       $WOODY_BACKUP_REPOSITORY
#   roll FILE...        gives what uses one of these files of ./secrets its content now, one task after the other, and
#                       returns when all have it and are healthy
#   keep                keeps ./secrets in the repository beside the backups
#   keep_copy           the same where there is one, or says that it is not done
#   say WORD...         prints what is done
#
# A password changes in steps such that at no time anybody's is refused who is in service:
#   1. the new one is written beside the old one, as FILE.next, and the store takes both
#   2. the old one becomes FILE.old, and the new one FILE
#   3. all that is made of the file is made of the new one, and its users are rolled
#   4. the store takes the new one alone, which is looked at, and FILE.old is removed. The new one is kept first
# Each step may be done twice, so that one that was broken off is gone on with from the files that are there.
# shellcheck shell=bash

# passwords is the table. A line is NAME STORE FILE USER MADE: the store that knows the password, the user there, and
# the files in which the password stands beside its own. Those of no store have a function of their own, rotate_NAME.
passwords='
database        database  database_password           woody     database_dsn,database_cluster_dsn,database_cluster_read_dsn
migrate         database  database_migrate_password   migrate   database_migrate_dsn,database_cluster_migrate_dsn
admin           database  database_admin_password     admin     -
backup          database  database_backup_password    backup    -
exporter        database  database_exporter_password  exporter  database_exporter,database2_exporter,database3_exporter
redis           redis     redis_password              woody     -
redis-admin     redis     redis_admin_password        admin     -
redis-exporter  redis     redis_exporter_password     exporter  redis_exporter
grafana         grafana   grafana_password            admin     -
backup-key      backup    backup_key                  backups   -
secrets-key     backup    secrets_key                 secrets   -
token-key       -         token_key                   -         -
shop-admin      -         shop_admin_password         -         -
'

# rotatable: the names, with spaces between.
rotatable() { awk '{printf "%s%s", n++ ? " " : "", $1}' <<<"$(sed /^$/d <<<"$passwords")"; }

sha1() { sha1sum | cut -c1-40; }

# native PASSWORD, sha256 PASSWORD: what MariaDB and Redis keep of it.
native() { printf '*%s' "$(printf "$(printf %s "$1" | sha1 | sed 's/../\\x&/g')" | sha1 | tr a-f A-F)"; }
sha256() { printf %s "$1" | sha256sum | cut -c1-64; }

# identified USER PASSWORD...: the statement by which a user of the database has these passwords, each of which is right.
identified() {
	local user=$1 password by=''
	shift
	for password in "$@"; do by+="${by:+ OR }mysql_native_password USING '$(native "$password")'"; done
	echo "ALTER USER $user@'%' IDENTIFIED VIA $by"
}

# hashed USER PASSWORD...: the command by which a user of Redis has these passwords and no others.
hashed() {
	local user=$1 password
	shift
	printf 'ACL SETUSER %s resetpass' "$user"
	for password in "$@"; do printf ' #%s' "$(sha256 "$password")"; done
}

# candidates FILE: what the password in a file may be while it changes.
candidates() {
	local file
	for file in "secrets/$1" "secrets/$1.old" "secrets/$1.next"; do [ ! -s "$file" ] || cat "$file" <(echo); done
}

# script VARIABLE... FUNCTION: a bash script that calls a function of here with these variables.
script() {
	local variables=("${@:1:$#-1}") function=${!#}
	echo 'set -euo pipefail'
	declare -p "${variables[@]}" | sed 's/^declare -- //'
	declare -f "$function"
	echo "$function"
}

# in_database: runs $statement as the administrator, whose password is one of $admins. It fails unless $accepted is
# $user's password then, and $refused, unless it is empty, is not.
in_database() {
	local host=${DATABASE_ADDRESS%:*} port=${DATABASE_ADDRESS##*:} admin out=''
	once() { MYSQL_PWD=$1 mariadb --no-defaults --connect-timeout=10 --skip-ssl-verify-server-cert --host="$host" --port="$port" --protocol=tcp --user="$2" --batch --execute="$3" 2>&1; }
	# ask: once, or as often as it takes until the server is reached. Swarm's DNS does not name a busy one for a moment.
	ask() {
		local said deadline=$((SECONDS + ${REACH_WITHIN:-60}))
		while ! said=$(once "$@"); do
			[[ $said =~ 'ERROR '(2002|2003|2005|2006|2013) ]] && [ "$SECONDS" -lt "$deadline" ] || {
				echo "$said"
				return 1
			}
			sleep 1
		done
		echo "$said"
	}
	local done=''
	while read -r admin; do
		if out=$(ask "$admin" admin "$statement"); then
			done=yes
			break
		fi
		[[ $out = *'ERROR 1045'* ]] || break
	done <<<"$admins"
	[ -n "$done" ] || {
		echo "the database does not do it: $out"
		exit 1
	}
	[ -n "$refused" ] || exit 0
	out=$(ask "$accepted" "$user" 'SELECT 1') || [[ $out = *'ERROR 1226'* ]] || { # it has all the connections it may have
		echo "the database refuses the new password of $user: $out"
		exit 1
	}
	! out=$(ask "$refused" "$user" 'SELECT 1') || {
		echo "the database still takes the old password of $user"
		exit 1
	}
	[[ $out = *'ERROR 1045'* ]] || {
		echo "the database does not say whether it refuses the old password of $user: $out"
		exit 1
	}
}

# in_redis: the same at each Redis of $REDIS_ADDRESSES, whose file of users is written too.
in_redis() {
	local node host port admin out=''
	# shellcheck disable=SC2086 # commands are words
	once() { REDISCLI_AUTH=$1 timeout 10 redis-cli --no-auth-warning -h "$host" -p "$port" --user "$2" $3 2>&1; }
	# ask: as in_database's.
	ask() {
		local said deadline=$((SECONDS + ${REACH_WITHIN:-60}))
		while
			said=$(once "$@") || true
			[[ $said = *'Could not connect'* ]] && [ "$SECONDS" -lt "$deadline" ]
		do sleep 1; done
		echo "$said"
	}
	for node in ${REDIS_ADDRESSES//,/ }; do
		host=${node%:*} port=${node##*:}
		local done=''
		while read -r admin; do
			out=$(ask "$admin" admin "$statement") || true
			if [ "$out" = OK ]; then
				done=yes
				break
			fi
			[[ $out = *WRONGPASS* ]] || break
		done <<<"$admins"
		[ -n "$done" ] || {
			echo "Redis at $node does not do it: $out"
			exit 1
		}
		# The administrator's own password may just have changed.
		out=''
		while [ "$out" != OK ] && read -r admin; do out=$(ask "$admin" admin 'ACL SAVE') || true; done <<<"$admins"
		[ "$out" = OK ] || {
			echo "Redis at $node does not write its users down: $out"
			exit 1
		}
		[ -n "$refused" ] || continue
		out=$(ask "$accepted" "$user" PING) || true
		[ "$out" = PONG ] || {
			echo "Redis at $node refuses the new password of $user: $out"
			exit 1
		}
		out=$(ask "$refused" "$user" PING) || true
		[[ $out = *WRONGPASS* ]] || {
			echo "Redis at $node does not refuse the old password of $user: $out"
			exit 1
		}
	done
}

# in_grafana: changes $user's password from $old to $new, unless it is that already. Grafana has one.
in_grafana() {
	ask() { # METHOD PATH PASSWORD [BODY]: the status
		exec 3<>"/dev/tcp/${GRAFANA_ADDRESS%:*}/${GRAFANA_ADDRESS##*:}"
		printf '%s %s HTTP/1.0\r\nHost: grafana\r\nAuthorization: Basic %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
			"$1" "$2" "$(printf '%s:%s' "$user" "$3" | base64 -w 0)" "${#4}" "$4" >&3
		local status
		read -r _ status _ <&3
		exec 3>&-
		echo "$status"
	}
	local status
	[ "$(ask GET /api/user "$new" '')" != 200 ] || exit 0
	status=$(ask PUT /api/user/password "$old" "{\"oldPassword\":\"$old\",\"newPassword\":\"$new\",\"confirmNew\":\"$new\"}")
	[ "$status" = 200 ] || {
		echo "Grafana does not change the password of $user: $status"
		exit 1
	}
	[ "$(ask GET /api/user "$old" '')" = 401 ] || {
		echo "Grafana still takes the old password of $user"
		exit 1
	}
}

# database_takes USER PASSWORD...: makes the database accept any of these passwords of the user; the last is the new
# one. With one alone, the one before ($before) must be refused then.
database_takes() {
	local user=$1 statement admins refused='' accepted=${!#}
	statement=$(identified "$@")
	admins=$(candidates database_admin_password)
	[ $# -gt 2 ] || refused=$before
	script statement admins user refused accepted in_database | at database
}

redis_takes() {
	local user=$1 statement admins refused='' accepted=${!#}
	statement=$(hashed "$@")
	admins=$(candidates redis_admin_password)
	[ $# -gt 2 ] || refused=$before
	script statement admins user refused accepted in_redis | at redis
}

grafana_takes() {
	local user=$1 old=$before new=$after
	[ $# -le 2 ] || return 0 # it has one password, and nobody but people knows it: step 4 changes it
	script user old new in_grafana | at grafana
}

# in_backup: makes $new a key of the repository of backups, or of that of secrets beside it, beside $old or, if $alone,
# instead of it.
in_backup() {
	local at=${WOODY_BACKUP_REPOSITORY:-/backup} out id deadline=$((SECONDS + 120))
	at=${at%/}
	if [ "$repository" = secrets ]; then # as secretsPlace of the backup's program
		if [[ $at =~ ^rest:https?://[^/]*$ ]]; then at+=/secrets; else at+=-secrets; fi
	fi
	# with PASSWORD WORD...: a command of restic's. The program that backs up may hold the repository for a while.
	with() {
		local password=$1
		shift
		while
			out=$(RESTIC_PASSWORD=$password restic --repo "$at" --no-cache "$@" 2>&1) && return
			[[ $out = *'already locked'* ]] && [ "$SECONDS" -lt "$deadline" ]
		do sleep 2; done
		return 1
	}
	lost() {
		echo "the repository of backups: $1: $out"
		exit 1
	}
	if [ -z "$alone" ]; then
		with "$new" cat config && exit 0
		local file
		file=$(mktemp)
		printf %s "$new" >"$file"
		with "$old" key add --new-password-file "$file" || lost 'it takes no new key'
		rm -f "$file"
		exit 0
	fi
	with "$new" cat config || lost 'it is not opened by the new key'
	while with "$old" key list --json; do
		[[ $out =~ \"current\":true,\"id\":\"([0-9a-f]+)\" ]] || lost 'it does not say which key it was opened by'
		with "$new" key remove "${BASH_REMATCH[1]}" || lost 'it does not give up the old key'
	done
	[[ $out = *'wrong password'* ]] || lost 'it does not say whether it refuses the old key'
}

# backup_takes USER KEY...: the user is the repository.
backup_takes() {
	local repository=$1 old=$before new=${!#} alone=''
	[ $# -gt 2 ] || alone=yes
	script repository old new alone in_backup | at backup
}

# renew FILE: writes standard input to a file of ./secrets, whole or not at all.
renew() {
	(umask 077 && cat >"secrets/$1.new")
	mv "secrets/$1.new" "secrets/$1"
}

# rotate_token-key: has the next key of tokens sign. Its state is in the files: secrets/token_key.old is the key that is
# to go, for as long as that is under way.
#   1. the next one signs, and the old one is only known: who has not been rolled yet knows both
#   2. the last token of the old one expires
#   3. a new one is the next, and the old one is not known any more
rotate_token-key() {
	if [ ! -s secrets/token_key.old ]; then
		! declare -F current >/dev/null || current token_key token_key_next
		renew token_key.old <secrets/token_key
	else
		say "going on with what was broken off: token-key"
	fi
	if cmp -s secrets/token_key secrets/token_key.old; then
		renew token_key <secrets/token_key_next
		renew token_key_next <secrets/token_key.old
	fi
	if cmp -s secrets/token_key_next secrets/token_key.old; then
		say "1/3 the next key signs"
		(roll token_key token_key_next) || stop
		say "2/3 what the old one has signed expires: ${TOKEN_LIFE:-330} seconds"
		sleep "${TOKEN_LIFE:-330}"
		local made
		made=$(openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256) || stop
		printf '%s\n' "$made" | renew token_key_next
	fi
	say "3/3 the old one is forgotten"
	(roll token_key_next) || stop
	rm -f secrets/token_key.old
	say "token-key is changed, and nobody was signed out"
}

# rotate_shop-admin: changes the password of the shop's administrator, which the replicas set when they start.
rotate_shop-admin() {
	! declare -F current >/dev/null || current shop_admin_password
	od -An -N24 -tx1 /dev/urandom | tr -d ' \n' | renew shop_admin_password
	say "1/1 the replicas set the new one"
	(roll shop_admin_password) || fail "broken off: scripts/deploy goes on"
	say "shop-admin is changed: secrets/shop_admin_password"
}

# rotate NAME: changes that password, or goes on with it.
rotate() {
	if [ "$(awk -v name="$1" '$1 == name {print $2}' <<<"$passwords")" = - ]; then
		local key
		key=$(awk -v name="$1" '$1 == name {print $3}' <<<"$passwords")
		[ -s "secrets/$key" ] || fail "there is no secrets/$key: scripts/secrets makes it, and scripts/deploy brings it into use"
		"rotate_$1"
		keep_copy
		return
	fi
	local name store file user made before after text content
	read -r name store file user made < <(awk -v name="$1" '$1 == name' <<<"$passwords") || true
	[ -n "$name" ] || fail "there is no password '$1': name one of $(rotatable)"
	[ "$store" != backup ] || [ ! -e secrets/.recovered ] ||
		fail "these ./secrets were made in the place of lost ones, which are kept and would not be any more: scripts/restore --secrets FOLDER gives those first, or scripts/backup secrets keeps these"
	[ -s "secrets/$file" ] || [ -s "secrets/$file.old" ] || fail "there is no secrets/$file: scripts/secrets makes it, and scripts/deploy brings it into use"
	if [ -s "secrets/$file.old" ] || [ -s "secrets/$file.next" ]; then
		say "going on with what was broken off: $name"
	else
		# shellcheck disable=SC2086 # a list
		! declare -F current >/dev/null || current "$file" ${made//[,-]/ }
		od -An -N24 -tx1 /dev/urandom | tr -d ' \n' | renew "$file.next"
	fi
	before=$(cat "secrets/$file.old" 2>/dev/null || cat "secrets/$file")
	after=$(cat "secrets/$file.next" 2>/dev/null || cat "secrets/$file")

	say "1/4 $store takes the new one beside the old one"
	"${store}_takes" "$user" "$before" "$after" || stop
	say "2/4 secrets/$file is the new one"
	if [ -s "secrets/$file.next" ]; then
		printf %s "$before" | renew "$file.old"
		mv "secrets/$file.next" "secrets/$file"
	fi
	made=${made//-/}
	for text in ${made//,/ }; do
		[ -s "secrets/$text" ] || continue
		content=$(cat "secrets/$text" && echo .)
		printf %s "${content//"$before"/"$after"}" | sed '$s/.$//' | renew "$text"
	done
	scripts/secrets
	say "3/4 who uses it is given the new one"
	# shellcheck disable=SC2086 # a list
	(roll "$file" ${made//,/ }) || stop
	# Whoever has lost all but the copies of both keys must be able to open the backups with them, at any time. Of other
	# passwords the copy is made while both are good.
	if [ "$store" = backup ]; then
		keep || stop
	else
		keep_copy
	fi
	say "4/4 $store takes the new one alone"
	"${store}_takes" "$user" "$after" || stop
	rm -f "secrets/$file.old"
	say "$name is changed, and the old one is refused"
	[ "$store" != backup ] || say "copy secrets/$file elsewhere now: the copy of before opens nothing"
}

# stop: ends the script where a step has failed.
stop() { fail "broken off; nothing that is in service has lost its password. Run it again to go on"; }
