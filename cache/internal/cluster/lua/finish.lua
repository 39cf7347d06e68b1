-- finish: a fill ends. KEYS: state, value, lease, waiters. ARGV: incarnation, token, fence, length of
-- the value's life in ms, the value ('' stores none), wake message, slots as "1,2,3". The value is
-- stored if none of its slots was invalidated since the fence. Then the lease is given back, and
-- those who wait for it are woken, each by its own inbox.
local outcome = 'none'
if ARGV[5] ~= '' then
	outcome = 'stored'
	if redis.call('HGET', KEYS[1], 'inc') ~= ARGV[1] then
		outcome = 'lost'
	end
	for slot in string.gmatch(ARGV[7], '%d+') do
		local mark = redis.call('HGET', KEYS[1], slot)
		if mark and tonumber(mark) > tonumber(ARGV[3]) then
			outcome = 'refused'
		end
	end
	if outcome == 'stored' then
		redis.call('SET', KEYS[2], ARGV[5], 'PX', ARGV[4])
	end
end
if redis.call('GET', KEYS[3]) == ARGV[2] then
	redis.call('DEL', KEYS[3])
	for _, inbox in ipairs(redis.call('SMEMBERS', KEYS[4])) do
		redis.call('PUBLISH', inbox, ARGV[6])
	end
	redis.call('DEL', KEYS[4])
end
return {outcome}
