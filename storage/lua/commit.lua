-- Write a checkpoint, if it is the next one of the owner.
-- KEYS: meta, log, recent, records, purged, dead, active, prefix of the histories,
--       alerts, changes, outbox, usage of the day, imports, prefix of what was imported.
-- ARGV: epoch, number, position, partials frame or '', points in dead letters,
--       number of puts, of purges, of dead letters, of documents, of transitions, of messages,
--       how many transitions are kept, number of owners, seconds for which usage is kept,
--       number of imported chunks, of undone imports,
--       then per imported chunk: stat, import, score, member; per undone import: stat, import;
--       per put: stat, record; per purge: stat, points;
--       per dead letter: log id, error, points; per document: key, document or '' to forget it;
--       per transition: record; per message: id, episode, time, record; per owner: owner, points.
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'number', 'position')
if meta[1] ~= ARGV[1] then return redis.error_reply('FENCED ' .. tostring(meta[1])) end
local number, position = tonumber(meta[2] or '0'), meta[3] or '0-0'
if number == tonumber(ARGV[2]) and position == ARGV[3] then return 'ALREADY' end
if number ~= tonumber(ARGV[2]) - 1 then return redis.error_reply('FENCED number ' .. number) end

-- The numbers of the imports of a stat, one behind the other with a space after each.
local function without(stat, import)
  local left = string.gsub(' ' .. (redis.call('HGET', KEYS[13], stat) or ''), ' ' .. import .. ' ', ' ')
  return string.sub(left, 2)
end

-- First a write that a full server allows: the checkpoint is what makes room.
local ms, seq = string.match(position, '(%d+)-(%d+)')
redis.call('XTRIM', KEYS[2], 'MINID', ms .. '-' .. string.format('%.0f', tonumber(seq) + 1))
if ARGV[4] ~= '' then redis.call('XADD', KEYS[3], ARGV[3], 'b', ARGV[4]) end
local at = 17
for _ = 1, tonumber(ARGV[15]) do
  local key = KEYS[14] .. ':' .. ARGV[at] .. ':' .. ARGV[at + 1]
  redis.call('ZREMRANGEBYSCORE', key, ARGV[at + 2], ARGV[at + 2])
  redis.call('ZADD', key, ARGV[at + 2], ARGV[at + 3])
  redis.call('HSET', KEYS[13], ARGV[at], without(ARGV[at], ARGV[at + 1]) .. ARGV[at + 1] .. ' ')
  at = at + 4
end
for _ = 1, tonumber(ARGV[16]) do
  redis.call('UNLINK', KEYS[14] .. ':' .. ARGV[at] .. ':' .. ARGV[at + 1])
  local left = without(ARGV[at], ARGV[at + 1])
  if left == '' then
    redis.call('HDEL', KEYS[13], ARGV[at])
  else
    redis.call('HSET', KEYS[13], ARGV[at], left)
  end
  at = at + 2
end
for _ = 1, tonumber(ARGV[6]) do
  redis.call('HSET', KEYS[4], ARGV[at], ARGV[at + 1])
  at = at + 2
end
for _ = 1, tonumber(ARGV[7]) do
  redis.call('HDEL', KEYS[4], ARGV[at])
  redis.call('UNLINK', KEYS[8] .. ':' .. ARGV[at])
  redis.call('ZREM', KEYS[7], ARGV[at])
  for import in string.gmatch(redis.call('HGET', KEYS[13], ARGV[at]) or '', '%d+') do
    redis.call('UNLINK', KEYS[14] .. ':' .. ARGV[at] .. ':' .. import)
  end
  redis.call('HDEL', KEYS[13], ARGV[at])
  -- A purge that is repeated after a lost answer finds nothing to count any more.
  redis.call('HSETNX', KEYS[5], ARGV[at], ARGV[at + 1])
  at = at + 2
end
for _ = 1, tonumber(ARGV[8]) do
  -- The entry goes whole to the dead letters: its points are nowhere else.
  local entry = redis.call('XRANGE', KEYS[2], ARGV[at], ARGV[at])[1]
  redis.call('XADD', KEYS[6], 'MAXLEN', '~', 10000, '*', 'id', ARGV[at], 'error', ARGV[at + 1],
    'points', ARGV[at + 2], unpack(entry and entry[2] or {}))
  at = at + 3
end
for _ = 1, tonumber(ARGV[9]) do
  if ARGV[at + 1] == '' then
    redis.call('HDEL', KEYS[9], ARGV[at])
  else
    redis.call('HSET', KEYS[9], ARGV[at], ARGV[at + 1])
  end
  at = at + 2
end
for _ = 1, tonumber(ARGV[10]) do
  redis.call('XADD', KEYS[10], 'MAXLEN', '~', ARGV[12], '*', 'b', ARGV[at])
  at = at + 1
end
for _ = 1, tonumber(ARGV[11]) do
  redis.call('XADD', KEYS[11], '*', 'id', ARGV[at], 'e', ARGV[at + 1], 't', ARGV[at + 2],
    'b', ARGV[at + 3])
  at = at + 4
end
for _ = 1, tonumber(ARGV[13]) do
  redis.call('HINCRBY', KEYS[12], ARGV[at], ARGV[at + 1])
  at = at + 2
end
if ARGV[13] ~= '0' then redis.call('EXPIRE', KEYS[12], ARGV[14]) end
redis.call('HSET', KEYS[1], 'number', ARGV[2], 'position', ARGV[3])
if ARGV[5] ~= '0' then redis.call('HINCRBY', KEYS[1], 'dead', ARGV[5]) end
return 'OK'
