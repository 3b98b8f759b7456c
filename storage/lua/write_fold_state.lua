-- Say how far the fold came; a copy that was long on its way takes nothing back.
-- KEYS: meta, fold.  ARGV: epoch, then pairs of field and value.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch ~= ARGV[1] then return redis.error_reply('FENCED ' .. tostring(epoch)) end
redis.call('PERSIST', KEYS[1])
for i = 2, #ARGV, 2 do
  local held = redis.call('HGET', KEYS[2], ARGV[i])
  if not held or tonumber(held) < tonumber(ARGV[i + 1]) then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
end
return 'OK'
