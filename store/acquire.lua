-- Records hits of one key unless more than `limit` would lie within `expiry` seconds; 1 if recorded, else 0.
-- The clock is the server's, so that workers with clocks of their own count alike.
-- KEYS[1]: sorted set of hits by their time in microseconds
-- ARGV: limit, expiry in seconds, number of hits, an id of the call

local hits = KEYS[1]
local limit, expiry, amount, id = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local left = string.format('%.0f', now - expiry * 1000000)

if redis.call('ZSCORE', hits, id .. ':1') then
    return 1 -- the call came before, and its answer was lost on the way
end

-- Should the clock have been set back, hits that now lie in the future count as made now.
for _, ahead in ipairs(redis.call('ZRANGEBYSCORE', hits, '(' .. string.format('%.0f', now), '+inf')) do
    redis.call('ZADD', hits, now, ahead)
    redis.call('EXPIRE', hits, expiry)
end

if redis.call('ZCOUNT', hits, '(' .. left, '+inf') + amount > limit then
    return 0
end
for i = 1, amount do -- the first command that writes, so that a full server refuses it
    redis.call('ZADD', hits, now, id .. ':' .. i)
end
redis.call('ZREMRANGEBYSCORE', hits, '-inf', left)
redis.call('EXPIRE', hits, expiry)
return 1
