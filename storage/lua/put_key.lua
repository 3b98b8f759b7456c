-- Keep a new API key.
-- KEYS: keys, key_ids   ARGV: digest, record, key id, how many keys the account may have
-- Answers 'kept', 'taken' when the account has a key with this id, or 'full'.
if redis.call('HEXISTS', KEYS[2], ARGV[3]) == 1 then
  return 'taken'
end
if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[4]) then
  return 'full'
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[3], ARGV[1])
return 'kept'
