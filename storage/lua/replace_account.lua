-- Keep another record of an account, unless somebody was quicker.
-- KEYS: accounts   ARGV: account, record as it was, record
-- Answers 1, or 0 when the record is another one by now.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
