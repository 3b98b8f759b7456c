-- Make the owner's account and its first key, unless there is any account.
-- KEYS: next_account, accounts, keys, key_ids   ARGV: account, its record, digest, key, key id
-- Answers 1 when made, 0 when there is an account already.
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then
  return 0
end
redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[3], ARGV[3], ARGV[4])
redis.call('HSET', KEYS[4], ARGV[5], ARGV[3])
return 1
