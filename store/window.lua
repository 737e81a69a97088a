-- {microseconds since the oldest hit of a key within the last `expiry` seconds, number of such hits}
-- KEYS[1]: sorted set of hits by their time in microseconds
-- ARGV: expiry in seconds

local hits, expiry = KEYS[1], tonumber(ARGV[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local after = '(' .. string.format('%.0f', now - expiry * 1000000)

local oldest = redis.call('ZRANGEBYSCORE', hits, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
if not oldest[2] then
    return {0, 0}
end
return {math.max(0, now - tonumber(oldest[2])), redis.call('ZCOUNT', hits, after, '+inf')}
