-- invalidate: a write is announced. KEYS: state, members. ARGV: incarnation, bus, writer, slots as
-- "1,2,3". From here on no fill that began before is stored, and no value that was is served.
if redis.call('HGET', KEYS[1], 'inc') ~= ARGV[1] or redis.call('HGET', KEYS[2], 'inc') ~= ARGV[1] then
	return {'lost'}
end
local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
for slot in string.gmatch(ARGV[4], '%d+') do
	redis.call('HSET', KEYS[1], slot, seq)
end
redis.call('PUBLISH', ARGV[2], '1 i ' .. ARGV[1] .. ' ' .. seq .. ' ' .. ARGV[3] .. ' ' .. ARGV[4])
return {'announced', seq, redis.call('HGETALL', KEYS[2])}
