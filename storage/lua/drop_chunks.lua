-- Forget chunks by ranges of scores.
-- KEYS: meta, prefix of the histories.
-- ARGV: epoch, number of ranges, then per range: lowest score, score to stay below; then stats.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch ~= ARGV[1] then return redis.error_reply('FENCED ' .. tostring(epoch)) end
local ranges, dropped = tonumber(ARGV[2]), 0
for i = 3 + 2 * ranges, #ARGV do
  for j = 3, 2 + 2 * ranges, 2 do
    local history = KEYS[2] .. ':' .. ARGV[i]
    dropped = dropped + redis.call('ZREMRANGEBYSCORE', history, ARGV[j], '(' .. ARGV[j + 1])
  end
end
return dropped
