#!lua flags=allow-oom
-- open: a replica joins. KEYS: state, members. ARGV: epoch, run, lease, fresh incarnation, member, the epoch's token,
-- the ledger's name, the server's history.
-- A state that is of an older epoch, of another run of the server (an old file!) or not all there is
-- begun anew, under the fresh incarnation: nothing that was made under the one before counts. One that is
-- of a later epoch, or of another with the same number, shows that the ledger was read before a bump, or lost it.
-- One of another ledger is begun anew too, but not while its members renew, each of which lets it live for another day.
if not string.find(redis.call('INFO', 'replication'), 'master_replid:' .. ARGV[8], 1, true) then
	return {'lost'}
end
local day = 86400
local at = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'inc', 'seq', 'lease', 'token', 'ledger')
local epoch, run, inc, seq, lease, token, ledger = at[1], at[2], at[3], at[4], at[5], at[6], at[7]
local foreign = ledger and ledger ~= ARGV[7]
if foreign and redis.call('PTTL', KEYS[2]) > day * 1000 - 2 * math.max(tonumber(lease), tonumber(ARGV[3])) then
	return {'foreign', ledger}
end
local another = epoch == ARGV[1] and token ~= ARGV[6]
if epoch and not foreign and run == ARGV[2] and (tonumber(epoch) > tonumber(ARGV[1]) or another) then
	return {'moved', epoch, token}
end
if not inc or foreign or epoch ~= ARGV[1] or another or run ~= ARGV[2] or redis.call('HGET', KEYS[2], 'inc') ~= inc then
	redis.call('DEL', KEYS[1], KEYS[2])
	inc, seq, lease = ARGV[4], '0', ARGV[3]
	redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'token', ARGV[6], 'run', ARGV[2], 'inc', inc, 'seq', seq, 'lease', lease,
		'ledger', ARGV[7])
	redis.call('HSET', KEYS[2], 'inc', inc)
end
if lease ~= ARGV[3] then
	return {'lease', lease}
end
redis.call('HSET', KEYS[2], ARGV[5], '0')
redis.call('EXPIRE', KEYS[1], day)
redis.call('EXPIRE', KEYS[2], day)
return {'open', inc, seq, redis.call('HGETALL', KEYS[2])}
