-- Become the owner of a partition: every earlier epoch is fenced.
-- KEYS: meta.  ARGV: the epoch that was seen before.
-- Returns epoch, checkpoint number, its position, the log's tail; nothing when the epoch is another
-- by now: this is a late copy, or somebody was faster.
-- PERSIST is a write that a full server allows; after it, it allows the rest.
redis.call('PERSIST', KEYS[1])
if (redis.call('HGET', KEYS[1], 'epoch') or '0') ~= ARGV[1] then return {} end
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
local meta = redis.call('HMGET', KEYS[1], 'number', 'position', 'tail')
return {epoch, meta[1] or '0', meta[2] or '0-0', meta[3] or '0-0'}
