-- Note when keys of one account were last used; of keys that are gone, nothing is kept.
-- KEYS: key_ids, keys_used   ARGV: per key its id and the time in epoch ms
for i = 1, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[1], ARGV[i]) == 1 then
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
end
return 0
