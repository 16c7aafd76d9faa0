"""Adds up orders: `guild keys add adder --role client`, then `python3 bot.py adder`."""
import sys
from guildhall import Client, Message, RemoteError, Request
sums: dict[str, float] = {}

def total(request: Request) -> str:
    customer = request.payload.decode()
    if customer not in sums:
        raise RemoteError("no orders yet", "customer_unknown", "order first", kind="not_found")
    return f"{sums[customer]:.2f}"

with Client(name=sys.argv[1]) as bus:
    orders = bus.subscribe("apps/orders/new/*")
    bus.serve("apps/orders/total", total)
    for order in orders:
        if isinstance(order, Message):  # Else a Gap: orders were lost, and here is where to know.
            customer = order.topic.split("/")[-1]
            sums[customer] = sums.get(customer, 0) + float(order.payload)
            bus.publish(f"apps/orders/sum/{customer}", f"{sums[customer]:.2f}", ack=True)
