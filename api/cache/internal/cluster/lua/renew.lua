-- renew: a member asks for its lease again. KEYS: state, members. ARGV: incarnation, member, inbox,
-- number of the renewal. The lease counts from when the echo comes in on the bus connection, behind
-- every invalidation that was announced before it.
local at = redis.call('HMGET', KEYS[1], 'inc', 'seq')
if at[1] ~= ARGV[1] or redis.call('HGET', KEYS[2], 'inc') ~= ARGV[1] then
	return {'lost'}
end
local last = redis.call('HGET', KEYS[2], ARGV[2])
if not last or last == '-' then
	return {'struck'}
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
redis.call('PUBLISH', ARGV[3], '1 r ' .. ARGV[1] .. ' ' .. at[2] .. ' ' .. ARGV[4])
redis.call('EXPIRE', KEYS[1], 86400)
redis.call('EXPIRE', KEYS[2], 86400)
return {'renewed', redis.call('HGETALL', KEYS[2])}
