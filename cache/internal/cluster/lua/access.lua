#!lua flags=no-writes
-- access: what of all that replicas do is kept from this user? KEYS: one of the namespace. ARGV: a channel of it.
-- Nothing is done. Every call is whole, as it would be made: Redis 7.0 crashes where some are cut short.
local key, channel = KEYS[1], ARGV[1]
local calls = {
	{'info', 'server'}, {'ping'}, {'publish', channel, ''}, {'subscribe', channel},
	{'del', key}, {'expire', key, '1'}, {'get', key}, {'getrange', key, '0', '1'}, {'hdel', key, 'f'},
	{'hget', key, 'f'}, {'hgetall', key}, {'hincrby', key, 'f', '1'}, {'hmget', key, 'f'}, {'hscan', key, '0'}, {'hset', key, 'f', 'v'},
	{'mget', key}, {'pexpire', key, '1'}, {'pttl', key}, {'sadd', key, 'm'}, {'set', key, 'v'}, {'smembers', key},
}
local refused = {'access'}
if not redis.acl_check_cmd then
	return refused
end
for _, call in ipairs(calls) do
	if not redis.acl_check_cmd(unpack(call)) then
		refused[#refused + 1] = call[1]
	end
end
return refused
