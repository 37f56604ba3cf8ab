-- Reads what holds for the whole store: the horizon and the floor of revisions.
return { redis.call('GET', HORIZON), floor() }
