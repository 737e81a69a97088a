-- Adds up one page of usage records by key, endpoint and span of time.
-- The caller asks page by page, so that a long history does not hold up the counting of hits.
-- KEYS[1]: sorted set of records, JSON arrays in the order of UsageRecord's fields, by their time in seconds
-- ARGV: time of the oldest record wanted, seconds a span, records a page, the last record of the page before
-- Returns the page's last record, false after the last page; and a list for each group, in the order of UsageSum's
-- fields, the times as float64 one after the other.

local records, start, seconds, size, last = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

-- Should that last record be forgotten by now, so are all before it.
local rank = redis.call('ZRANK', records, last)
local first = rank and rank + 1 or redis.call('ZCOUNT', records, '-inf', '(' .. start)
local page = redis.call('ZRANGE', records, first, first + size - 1)

local groups, found = {}, {}
for _, packed in ipairs(page) do
    local at, key, endpoint, status, processing, queue, masks, bytes = unpack(cjson.decode(packed))
    local span = math.floor(at / seconds)
    local name = key .. '\0' .. endpoint .. '\0' .. span
    local group = groups[name]
    if not group then
        group = {key, endpoint, span, 0, 0, 0, 0, 0, 0, {}, {}}
        groups[name] = group
        found[#found + 1] = group
    end
    group[4] = group[4] + 1
    group[5] = group[5] + (status >= 400 and 1 or 0)
    group[6] = group[6] + (status == 429 and 1 or 0)
    group[7] = group[7] + (status >= 500 and 1 or 0)
    group[8] = group[8] + masks
    group[9] = group[9] + bytes
    group[10][group[4]] = struct.pack('<d', processing)
    group[11][group[4]] = struct.pack('<d', queue)
end
for _, group in ipairs(found) do
    group[10], group[11] = table.concat(group[10]), table.concat(group[11])
end
return {page[size] or false, found}
