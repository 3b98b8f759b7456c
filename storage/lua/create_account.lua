-- Keep a new account.
-- KEYS: next_account, accounts   ARGV: record
-- Answers the account's id.
local account = redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[2], account, ARGV[1])
return account
