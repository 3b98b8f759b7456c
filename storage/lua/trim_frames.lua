-- Forget the recent frames up to a position.
-- KEYS: meta, recent.  ARGV: epoch, the lowest id to keep.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch ~= ARGV[1] then return redis.error_reply('FENCED ' .. tostring(epoch)) end
return redis.call('XTRIM', KEYS[2], 'MINID', ARGV[2])
