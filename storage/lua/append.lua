-- Claim and append in one step.
-- KEYS: meta, log, prefix of the claims.
-- ARGV: epoch, serial, claim window (number), seconds a window lives, frame, rows, commands,
--       then per claim: digest, shard, answer, first row, row after the last.
-- Returns the position, then per claim '' (new) or the answer of its first user.
local token = ARGV[1] .. ':' .. ARGV[2]
local meta = redis.call('HMGET', KEYS[1], 'epoch', 'serial', 'reply', 'tail')
if meta[2] == token then return cmsgpack.unpack(meta[3]) end
if meta[1] ~= ARGV[1] then return redis.error_reply('FENCED ' .. tostring(meta[1])) end
-- A copy that was long on its way, of a group that was answered and has had successors since.
local held_epoch, held_serial = string.match(meta[2] or '', '(%d+):(%d+)')
if held_epoch == ARGV[1] and tonumber(held_serial) > tonumber(ARGV[2]) then
  return redis.error_reply('FENCED serial ' .. held_serial)
end

local window, rows = tonumber(ARGV[3]), tonumber(ARGV[6])
local reply, skip, skipped = {''}, {}, 0
local covered_low, covered_high, covered_answer = 0, -1, ''

local function claimed(digest, shard)
  -- The windows around this one too: the clock may have been set forth or back by an hour.
  for _, place in ipairs({window, window - 1, window + 1}) do
    local answer = redis.call('HGET', KEYS[3] .. ':' .. place .. ':' .. shard, digest)
    if answer then return answer end
  end
end

for i = 8, #ARGV, 5 do
  local low, high = tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4])
  if covered_low <= low and high <= covered_high then
    reply[#reply + 1] = covered_answer
  else
    local answer = claimed(ARGV[i], ARGV[i + 1])
    if answer then
      reply[#reply + 1] = answer
      skip[#skip + 1] = low .. '-' .. high
      skipped = skipped + high - low
      covered_low, covered_high, covered_answer = low, high, answer
    else
      reply[#reply + 1] = ''
      local shard = KEYS[3] .. ':' .. window .. ':' .. ARGV[i + 1]
      redis.call('HSET', shard, ARGV[i], ARGV[i + 2])
      if redis.call('HLEN', shard) == 1 then redis.call('EXPIRE', shard, ARGV[4]) end
    end
  end
end

local tail, kept = meta[4] or '0-0', rows - skipped
if kept > 0 or ARGV[7] ~= '0' then
  if skipped > 0 then
    tail = redis.call('XADD', KEYS[2], '*', 'b', ARGV[5], 'n', kept, 's', table.concat(skip, ','))
  else
    tail = redis.call('XADD', KEYS[2], '*', 'b', ARGV[5], 'n', kept)
  end
  redis.call('HINCRBY', KEYS[1], 'appended', kept)
end
reply[1] = tail
redis.call('HSET', KEYS[1], 'serial', token, 'reply', cmsgpack.pack(reply), 'tail', tail)
return reply
