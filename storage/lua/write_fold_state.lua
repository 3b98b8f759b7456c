-- Say how far the fold came.
-- KEYS: meta.  ARGV: epoch, the state's bytes.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch ~= ARGV[1] then return redis.error_reply('FENCED ' .. tostring(epoch)) end
redis.call('PERSIST', KEYS[1])
redis.call('HSET', KEYS[1], 'fold', ARGV[2])
return 'OK'
