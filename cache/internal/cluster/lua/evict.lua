#!lua flags=allow-oom
-- evict: members can renew no more. KEYS: state, members. ARGV: incarnation, what they become ('-' for
-- evicted, '' for off the list), then a member and the number of its last renewal each; '*' whatever it
-- is. A member that may still have a lease is evicted and stays on the list: every writer that finds it
-- there has to wait for that lease, and not only the one who evicted it.
if redis.call('HGET', KEYS[1], 'inc') ~= ARGV[1] then
	return {'lost'}
end
for i = 3, #ARGV, 2 do
	local renewal = redis.call('HGET', KEYS[2], ARGV[i])
	if renewal and (ARGV[i + 1] == '*' or ARGV[i + 1] == renewal) then
		if ARGV[2] == '' then
			redis.call('HDEL', KEYS[2], ARGV[i])
		else
			redis.call('HSET', KEYS[2], ARGV[i], ARGV[2])
		end
	end
end
return {'done'}
