#!lua flags=allow-oom
-- invalidate: a write is announced. KEYS: state, members. ARGV: wire format, incarnation, bus, writer,
-- slots as "1,2,3", the server's history. From here on no fill that began before is stored, and no value that was is
-- served. A server that was a copy meanwhile, and is the primary again, has another history: it may have lost members,
-- and the list be of no use.
if not string.find(redis.call('INFO', 'replication'), 'master_replid:' .. ARGV[6], 1, true) then
	return {'lost'}
end
if redis.call('HGET', KEYS[1], 'inc') ~= ARGV[2] or redis.call('HGET', KEYS[2], 'inc') ~= ARGV[2] then
	return {'lost'}
end
local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
for slot in string.gmatch(ARGV[5], '%d+') do
	redis.call('HSET', KEYS[1], slot, seq)
end
redis.call('PUBLISH', ARGV[3], ARGV[1] .. ' i ' .. ARGV[2] .. ' ' .. seq .. ' ' .. ARGV[4] .. ' ' .. ARGV[5])
return {'announced', seq, redis.call('HGETALL', KEYS[2])}
