-- Put chunks in the place of those with the same score.
-- KEYS: meta, active, prefix of the histories.
-- ARGV: epoch, then per chunk: stat, score, start of its newest bucket, member.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch ~= ARGV[1] then return redis.error_reply('FENCED ' .. tostring(epoch)) end
redis.call('PERSIST', KEYS[1])
for i = 2, #ARGV, 4 do
  local history = KEYS[3] .. ':' .. ARGV[i]
  redis.call('ZREMRANGEBYSCORE', history, ARGV[i + 1], ARGV[i + 1])
  redis.call('ZADD', history, ARGV[i + 1], ARGV[i + 3])
  redis.call('ZADD', KEYS[2], 'GT', ARGV[i + 2], ARGV[i])
end
return 'OK'
