-- Take or renew the lease of the whole store.
-- KEYS: lease, the meta of the store.  ARGV: who, milliseconds, 'take', 'seize' or 'renew'.
-- Returns '' when it is ours, else who holds it.
redis.call('PERSIST', KEYS[2])
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return ''
end
if ARGV[3] == 'renew' or (holder and ARGV[3] == 'take') then return holder or 'nobody' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ''
