-- Forget one document, if it has expired.
-- KEYS: expiring, documents of its kind and account, claims of its kind.
-- ARGV: now in epoch ms, member of expiring, account, id.   Answers 1, or 0 when it lives.
local record = redis.call('HGET', KEYS[2], ARGV[4])
if record then
  local _, _, expires, size = struct.unpack('>BI4I8I2', record)
  if expires == 0 or expires > tonumber(ARGV[1]) then return 0 end
  local place = struct.pack('>I8', ARGV[3]) .. ARGV[4]
  for claim in string.gmatch(string.sub(record, 16, 15 + size), '[^\n]+') do
    local holder = redis.call('HGET', KEYS[3], claim)
    if holder and string.sub(holder, 9) == place then redis.call('HDEL', KEYS[3], claim) end
  end
  redis.call('HDEL', KEYS[2], ARGV[4])
end
redis.call('ZREM', KEYS[1], ARGV[2])
return 1
