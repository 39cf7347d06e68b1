#!lua flags=allow-oom
-- renew: a member asks for its lease again. KEYS: state, members. ARGV: wire format, incarnation, member,
-- inbox, number of the renewal, the server's history, what the list is to have of the renewal. The lease counts from
-- when the echo comes in on the bus connection, behind every invalidation that was announced before it.
if not string.find(redis.call('INFO', 'replication'), 'master_replid:' .. ARGV[6], 1, true) then
	return {'lost'}
end
local at = redis.call('HMGET', KEYS[1], 'inc', 'seq')
if at[1] ~= ARGV[2] or redis.call('HGET', KEYS[2], 'inc') ~= ARGV[2] then
	return {'lost'}
end
local last = redis.call('HGET', KEYS[2], ARGV[3])
if not last or last == '-' then
	return {'evicted'}
end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[7])
redis.call('PUBLISH', ARGV[4], ARGV[1] .. ' r ' .. ARGV[2] .. ' ' .. at[2] .. ' ' .. ARGV[5])
redis.call('EXPIRE', KEYS[1], 86400)
redis.call('EXPIRE', KEYS[2], 86400)
return {'renewed', redis.call('HGETALL', KEYS[2])}
