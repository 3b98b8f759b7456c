-- What wrk sends: the requests of a file, one after the other, at the time of sending.
--
--     wrk … -s wrk.lua URL -- FILE CONNECTIONS_HANDED_OVER [HEADER VALUE …]
--
-- The first requests, one on each connection, can be for another route: whoever reads the first
-- request of a connection decides who serves it.

local ffi = require("ffi")

local requests, sent, handed_over = {}, 0, 0

-- Where the time of sending stands in a request, and how it is written.
local MARKS = {
  { mark = "@MS@", digits = 13, text = function(now_s, millis) return string.format("%d%03d", now_s, millis) end },
  { mark = "@S@", digits = 10, text = function(now_s) return string.format("%d", now_s) end },
}

local function read(path)
  local file = assert(io.open(path, "rb"))
  while true do
    local target = file:read("*l")
    if not target then break end
    local length = tonumber(file:read("*l"))
    requests[#requests + 1] = { target = target, body = file:read(length) }
  end
  file:close()
end

-- Room for the digits of a mark, and where each begins. To replace texts for every request would
-- take longer than the fastest of the servers: what is measured then is the load.
local function opened(body, mark)
  local parts, places, size, at = {}, {}, 0, 1
  while true do
    local from, to = body:find(mark.mark, at, true)
    if not from then break end
    parts[#parts + 1] = body:sub(at, from - 1) .. string.rep("0", mark.digits)
    size = size + (from - at) + mark.digits
    places[#places + 1] = size - mark.digits
    at = to + 1
  end
  return table.concat(parts) .. body:sub(at), places
end

local function prepared(next)
  local body = next.body
  for _, mark in ipairs(MARKS) do
    local whole, places = opened(body, mark)
    if #places > 0 then
      local text = wrk.format(nil, next.target, nil, whole)
      local bytes = ffi.new("char[?]", #text)
      ffi.copy(bytes, text, #text)
      return {
        bytes = bytes, size = #text, mark = mark, amount = #places,
        places = ffi.new("int[?]", #places, places), body_at = #text - #whole,
      }
    end
  end
  return { text = wrk.format(nil, next.target, nil, body) }
end

function init(arguments)
  read(arguments[1])
  handed_over = tonumber(arguments[2])
  wrk.method = "POST"
  for at = 3, #arguments, 2 do
    wrk.headers[arguments[at]] = arguments[at + 1]
  end
  for at, next in ipairs(requests) do
    requests[at] = prepared(next)
  end
end

function request()
  sent = sent + 1
  if sent <= handed_over then
    return wrk.format("GET", "/healthz")
  end
  local next = requests[(sent - 1) % #requests + 1]
  if next.text then
    return next.text
  end
  -- A second ago, so that no point is ahead of the server's clock; each request at its own time.
  local digits, text = next.mark.digits, next.mark.text(os.time() - 1, sent % 1000)
  local body, places = next.bytes + next.body_at, next.places
  for at = 0, next.amount - 1 do
    ffi.copy(body + places[at], text, digits)
  end
  return ffi.string(next.bytes, next.size)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "tally requests=%d duration_us=%d refused=%d broken=%d\n", summary.requests, summary.duration,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
