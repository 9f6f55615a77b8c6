-- Sends the requests of a file, one after the other, each time with a fresh request id. The file, the first argument, holds
-- them as they go over the wire, with a zero byte after each and {request-id} where the id belongs.
local placeholder = "{request-id}"
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local before, after = {}, {}
local count, run = 0, 0

-- The requests are cut up once; formatting them anew each time would be measured too.
function init(args)
  math.randomseed(os.time() + number)
  run = math.random(0, 0x7fffffff)
  local file = assert(io.open(args[1], "rb"))
  for text in string.gmatch(file:read("*a"), "(%Z+)%z") do
    local from, to = string.find(text, placeholder, 1, true)
    before[#before + 1], after[#after + 1] = string.sub(text, 1, from - 1), string.sub(text, to + 1)
  end
  file:close()
end

function request()
  count = count + 1
  local i = count % #before + 1
  return before[i] .. string.format("%08x-%04x-4000-8000-%012x", run, number, count) .. after[i]
end

-- done prints what the benchmark reads.
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"micros":%d,"errors":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
