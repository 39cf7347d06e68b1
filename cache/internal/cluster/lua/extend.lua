-- extend: a filler needs longer. KEYS: lease. ARGV: token, length in ms.
if redis.call('GET', KEYS[1]) == ARGV[1] then
	return {'extended', redis.call('PEXPIRE', KEYS[1], ARGV[2])}
end
return {'lost'}
