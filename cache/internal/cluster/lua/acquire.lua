-- acquire: a replica asks for the lease to fill a key. KEYS: state, value, lease, waiters. ARGV: incarnation, token,
-- id of the value that it saw ('' for none), length of the lease in ms, inbox.
local at = redis.call('HMGET', KEYS[1], 'inc', 'seq')
if at[1] ~= ARGV[1] then
	return {'lost'}
end
if redis.call('GETRANGE', KEYS[2], 1, 16) ~= ARGV[3] then
	return {'again'}
end
if redis.call('SET', KEYS[3], ARGV[2], 'NX', 'PX', ARGV[4]) then
	return {'lead', at[2]}
end
redis.call('SADD', KEYS[4], ARGV[5])
redis.call('EXPIRE', KEYS[4], 60)
return {'wait', redis.call('PTTL', KEYS[3]), redis.call('GET', KEYS[3])}
