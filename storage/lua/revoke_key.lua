-- Forget an API key and raise the generation.
-- KEYS: keys, key_ids, keys_used, key_generation   ARGV: key id
-- Answers 1, or 0 when there is no such key.
local digest = redis.call('HGET', KEYS[2], ARGV[1])
if not digest then
  return 0
end
-- Deleting comes first: a full server carries a script out whose first write takes no memory.
redis.call('HDEL', KEYS[1], digest)
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('INCR', KEYS[4])
return 1
