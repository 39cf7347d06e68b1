-- open: a replica joins. KEYS: state, members. ARGV: epoch, run, lease, fresh incarnation, member.
-- A state that is of an older epoch, of another run of the server (an old file!) or not all there is
-- begun anew, under the fresh incarnation: nothing that was made under the one before counts.
local at = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'inc', 'seq', 'lease')
local epoch, run, inc, seq, lease = at[1], at[2], at[3], at[4], at[5]
if epoch and run == ARGV[2] and tonumber(epoch) > tonumber(ARGV[1]) then
	return {'moved', epoch}
end
if not inc or epoch ~= ARGV[1] or run ~= ARGV[2] or redis.call('HGET', KEYS[2], 'inc') ~= inc then
	redis.call('DEL', KEYS[1], KEYS[2])
	inc, seq, lease = ARGV[4], '0', ARGV[3]
	redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'run', ARGV[2], 'inc', inc, 'seq', seq, 'lease', lease)
	redis.call('HSET', KEYS[2], 'inc', inc)
end
if lease ~= ARGV[3] then
	return {'lease', lease}
end
redis.call('HSET', KEYS[2], ARGV[5], '0')
return {'open', inc, seq, redis.call('HGETALL', KEYS[2])}
