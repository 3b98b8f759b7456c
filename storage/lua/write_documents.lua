-- Write documents, all of them or none.
-- KEYS: expiring, then per write: documents of its kind and account, claims of its kind.
-- ARGV: now in epoch ms, documents an account may have, account of each write…, then per write:
--       id, member of expiring, expected version or '', expires in epoch ms or 0,
--       1 to keep it or 0 to forget it, its claims joined by line feeds, body.
-- Answers the new versions; or 'conflict' with the number of the write and the version found,
-- 'taken' with the number and the claim, 'full' with the number.
local now, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local amount = (#KEYS - 1) / 2
local FIELDS = 7

local function lines(text)
  local found = {}
  for line in string.gmatch(text, '[^\n]+') do found[#found + 1] = line end
  return found
end

local writes, rewritten = {}, {}
for number = 1, amount do
  local at = 2 + amount + (number - 1) * FIELDS
  local write = {
    documents = KEYS[2 * number], holders = KEYS[2 * number + 1], account = ARGV[2 + number],
    id = ARGV[at + 1], member = ARGV[at + 2], expected = ARGV[at + 3], expires = ARGV[at + 4],
    keep = ARGV[at + 5] == '1', claims = ARGV[at + 6], body = ARGV[at + 7], version = 0, held = {},
  }
  local record = redis.call('HGET', write.documents, write.id)
  if record then
    local _, version, expires, size = struct.unpack('>BI4I8I2', record)
    write.held = lines(string.sub(record, 16, 15 + size))
    write.kept = true
    if expires == 0 or expires > now then write.version = version end
  end
  write.place = struct.pack('>I8', write.account) .. write.id
  rewritten[write.holders .. write.place] = true
  writes[number] = write
end

local claimed = {}
for number, write in ipairs(writes) do
  if write.expected ~= '' and tonumber(write.expected) ~= write.version then
    return {'conflict', number, write.version}
  end
  if write.keep then
    for _, claim in ipairs(lines(write.claims)) do
      local holder = redis.call('HGET', write.holders, claim)
      local place, expires = holder and string.sub(holder, 9), holder and struct.unpack('>I8', holder)
      local free = not holder or (expires ~= 0 and expires <= now) or rewritten[write.holders .. place]
      if not free or claimed[write.holders .. claim] then return {'taken', number, claim} end
      claimed[write.holders .. claim] = true
    end
    if not write.kept and write.account ~= '0' and redis.call('HLEN', write.documents) >= limit then
      return {'full', number}
    end
  end
end

-- Forgetting comes first: a full server carries a script out whose first write takes no memory.
for _, write in ipairs(writes) do
  for _, claim in ipairs(write.held) do
    local holder = redis.call('HGET', write.holders, claim)
    if holder and string.sub(holder, 9) == write.place then
      redis.call('HDEL', write.holders, claim)
    end
  end
  if not write.keep then
    redis.call('HDEL', write.documents, write.id)
    redis.call('ZREM', KEYS[1], write.member)
  end
end
local versions = {}
for number, write in ipairs(writes) do
  versions[number] = 0
  if write.keep then
    versions[number] = write.version + 1
    local head = struct.pack('>BI4I8I2', 1, versions[number], write.expires, #write.claims)
    redis.call('HSET', write.documents, write.id, head .. write.claims .. write.body)
    for _, claim in ipairs(lines(write.claims)) do
      redis.call('HSET', write.holders, claim, struct.pack('>I8', write.expires) .. write.place)
    end
    if write.expires == '0' then
      redis.call('ZREM', KEYS[1], write.member)
    else
      redis.call('ZADD', KEYS[1], write.expires, write.member)
    end
  end
end
return versions
