-- Put chunks in the place of those with the same score, unless those count further.
-- KEYS: meta, active, prefix of the histories.
-- ARGV: epoch, then per chunk: stat, score, start of its newest bucket, member: the chunk behind
--       its position in 16 bytes.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch ~= ARGV[1] then return redis.error_reply('FENCED ' .. tostring(epoch)) end
redis.call('PERSIST', KEYS[1])

-- A copy that was long on its way must not undo what was written since.
local function counts_further(held, new)
  local ms, seq = struct.unpack('>I8I8', held)
  local new_ms, new_seq = struct.unpack('>I8I8', new)
  return ms > new_ms or (ms == new_ms and seq > new_seq)
end

for i = 2, #ARGV, 4 do
  local history = KEYS[3] .. ':' .. ARGV[i]
  local held = redis.call('ZRANGEBYSCORE', history, ARGV[i + 1], ARGV[i + 1])[1]
  if not (held and #held >= 16 and counts_further(held, ARGV[i + 3])) then
    redis.call('ZREMRANGEBYSCORE', history, ARGV[i + 1], ARGV[i + 1])
    redis.call('ZADD', history, ARGV[i + 1], ARGV[i + 3])
    redis.call('ZADD', KEYS[2], 'GT', ARGV[i + 2], ARGV[i])
  end
end
return 'OK'
