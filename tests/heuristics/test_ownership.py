def test_x(otter_case):
    o, l, t = otter_case
    print(l, t, l.check(), l.transactions.collect().height)
    from chainwatch.heuristics.ownership import co_spends
    from chainwatch.heuristics.coinjoin import equal_outputs
    from chainwatch.clusters.cluster import cluster
    links = co_spends(l, unless=equal_outputs())
    print(links); print(links.lineage())
    c = cluster(links, tags=t); print(c); print(c.sizes().head(20)); print(c.alarms)
    print(o.truth.filter(o.truth["owner"].is_in(["Ivy", "Hazel","Fir"])))
