"""Ordinary life: what owners do alone, in ways that help rules and in ways that mislead them."""

from __future__ import annotations

from chainwatch.simulate.locks import others_of
from chainwatch.simulate.owners.society import Person, Society
from chainwatch.simulate.owners.software import SOFTWARE
from chainwatch.simulate.transactions import Coin, Lock, Output, Transaction
from chainwatch.simulate.wallets import Wallet, draft, fee_for

CHANGE_KINDS = frozenset({"p2pkh", "p2sh", "p2wpkh", "p2tr"})
"""What a wallet with several script types may choose for its change."""


def _pay(
    society: Society, wallet: Wallet, to: Lock, purpose: str, *, trick: str | None = None
) -> Transaction | None:
    """Pay some amount; a wallet with several script types may make change of another."""
    kinds = sorted(CHANGE_KINDS & {coin.lock.kind for coin in wallet.coins} - {wallet.policy.kind})
    other = kinds and society.world.chance(society.population.other_change)
    change = society.pick(kinds) if other else None
    target = Output(society.amount(wallet), to, purpose)
    return society.world.pay(wallet, [target], purpose, change=change, trick=trick)


def payment(society: Society) -> None:
    """Somebody pays somebody."""
    wallet, payee = society.wallet(), society.person()
    if payee.owner != wallet.owner:
        _pay(society, wallet, society.address(payee), "payment")


def shopping(society: Society) -> None:
    """Somebody buys; merchants now and then bring what they have to an exchange."""
    shop = society.pick(society.merchants)
    _pay(society, society.wallet(), society.world.lock(shop), "purchase")
    if len(shop.coins) > 8:
        exchange = society.pick(society.exchanges)
        to = society.deposit_address(exchange, shop.owner)
        society.world.gather(shop, society.world.spendable(shop), to, "deposit", purpose="deposit")


def donation(society: Society) -> None:
    """Somebody gives to a charity at its one published address."""
    charity = society.pick(society.charities)
    _pay(society, society.wallet(), society.world.lock(charity), "donation")
    if len(charity.coins) > 12:
        to = society.deposit_address(society.exchanges[0], charity.owner)
        coins = society.world.spendable(charity)
        society.world.gather(charity, coins, to, "deposit", purpose="deposit")


def deposit(society: Society) -> None:
    """Somebody brings coins to the own deposit address at an exchange."""
    person = society.person()
    to = society.deposit_address(person.exchange, person.owner)
    _pay(society, society.pick(person.wallets), to, "deposit")


def withdrawal(society: Society) -> None:
    """Somebody orders a withdrawal, to be paid with the next batch."""
    person = society.person()
    value = society.world.between(500_000, 60_000_000)
    if society.world.chance(society.population.round_amounts):
        value -= value % 500_000
    lock = society.address(person) if society.world.chance(80) else society.world.lock(
        society.pick(person.wallets)
    )  # fmt: skip
    person.exchange.queue.append(Output(value, lock, "withdrawal"))


def consolidation(society: Society) -> None:
    """A wallet brings its coins together; now and then somebody all that any own wallet holds."""
    wallet = society.wallet()
    if society.world.chance(15):
        person = society.person()
        coins = [coin for each in (*person.wallets, person.mixed) for coin in each.coins]
        if len(coins) > 2:
            to = society.world.lock(person.main)
            society.world.gather(person.main, coins[:30], to, "reunion")
        return
    coins = society.world.spendable(wallet)
    if len(coins) > 2:
        to = society.world.lock(wallet)
        society.world.gather(wallet, coins[:20], to, "consolidation")


def move(society: Society) -> None:
    """A wallet moves one coin to a fresh address of its own: one input, one output."""
    wallet = society.wallet()
    if wallet.coins:
        coin = society.pick(society.world.spendable(wallet))
        society.world.gather(wallet, [coin], society.world.lock(wallet), "move")


def migration(society: Society) -> None:
    """Somebody changes software: from now on other scripts, and the old coins come over or stay."""
    person = society.person()
    wallet, old = person.main, person.main.policy
    names = [name for name, policy in sorted(SOFTWARE.items()) if policy.kind != old.kind]
    new = SOFTWARE[society.pick(names)]
    wallet.policy, wallet.home = new, None
    if new.reuse or society.world.chance(50):
        return
    coins = society.world.spendable(wallet)
    if coins:
        to = society.world.lock(wallet)
        society.world.gather(wallet, coins[:20], to, "migration")


def key_sale(society: Society) -> None:
    """Somebody empties an address and sells its key; whoever buys is paid there and spends it."""
    seller, buyer = society.sample(society.people, 2)
    wallet = seller.main
    if wallet.policy.reuse or buyer.main.policy.reuse or not wallet.coins:
        return
    lock = society.pick(wallet.coins).lock
    alone = all(other.script not in society.world.holders for other in others_of(lock))
    if alone and _emptied(society, seller, lock):
        society.sold_keys.append((lock, buyer))


def hand_over_keys(society: Society) -> None:
    """Give the keys that were sold in the block before to whoever bought them.

    Where something was paid to the address meanwhile, the sale is off.
    """
    sold, society.sold_keys = society.sold_keys, []
    for lock, buyer in sold:
        if any(coin.lock == lock for coin in society.world.holders[lock.script].wallet.coins):
            continue
        society.world.hand_over(lock, buyer.main)
        value = society.world.between(1_000_000, 9_000_000)
        buyer.exchange.queue.append(Output(value, lock, "withdrawal"))


def _emptied(society: Society, person: Person, lock: Lock) -> bool:
    """Send all coins of one lock to the owner's deposit address; say whether none is left."""
    if any(out.lock == lock for each in society.exchanges for out in each.queue):
        return False
    if lock in person.known:
        person.known.remove(lock)
    coins = [coin for coin in person.main.coins if coin.lock == lock]
    to = society.deposit_address(person.exchange, person.owner)
    sent = society.world.gather(person.main, coins, to, "deposit", purpose="deposit")
    return sent is not None


def payroll(society: Society) -> None:
    """An employer pays many people at odd amounts from all that it holds."""
    company, staff = _staff(society)
    world = society.world
    wages = [Output(world.between(400_000, 2_400_000), lock, "wage") for lock in staff]
    world.pay(company, wages, "batch")


def equal_payroll(society: Society) -> None:
    """An employer pays many people one amount from many addresses: it looks like a mix."""
    company, staff = _staff(society)
    wage = 100_000 * society.world.between(3, 20)
    targets = [Output(wage, lock, "wage") for lock in staff]
    society.world.pay(company, targets, "batch", trick="equal_batch")


def _staff(society: Society) -> tuple[Wallet, list[Lock]]:
    company = society.pick(society.companies)
    _split(society, company)
    people = society.sample(society.people, society.world.between(4, 18))
    return company, [society.address(person) for person in people]


def _split(society: Society, company: Wallet) -> None:
    """Keep a treasury at several addresses, as it is when customers have paid."""
    world = society.world
    coins = world.spendable(company)
    if len(coins) >= 6 or not coins:
        return
    largest = max(coins, key=lambda coin: coin.value)
    part = largest.value // 10
    if part > 5_000_000:
        targets = [Output(part, world.lock(company), "self") for _ in range(9)]
        world.pay(company, targets, "split", coins=[largest])


def lookalike_split(society: Society) -> None:
    """Somebody alone makes equal outputs of several coins: it looks like a mix and is none."""
    world, wallet = society.world, society.pick(society.person().wallets)
    coins = sorted(world.spendable(wallet), key=lambda coin: -coin.value)[:5]
    if len(coins) < 3 or wallet.policy.reuse:
        return
    policy = world.habits(wallet)
    part = coins[-1].value * 8 // 10
    equal = [Output(part, world.lock(wallet), "self") for _ in coins]
    left = sum(coin.value - part for coin in coins)
    rest = left - fee_for(policy, coins, [out.lock for out in equal] * 2)
    if part > 10_000 and rest > 10_000:
        tx = draft(policy, coins, equal, world.lock(wallet), world.rng, world.lock_time(wallet))
        world.submit(tx, "split", trick="equal_split")


def peel(society: Society) -> None:
    """Somebody peels one coin off, hop by hop, each time to another's address."""
    world = society.world
    long = society.able(20_000_000, 1)
    if not long:
        return
    person, coin = long[0]
    wallet = world.holders[coin.lock.script].wallet
    for _ in range(world.between(5, 12)):
        payee = society.person()
        value = coin.value // world.between(15, 40)
        to = society.address(payee) if payee is not person else society.deposit_address(
            person.exchange, person.owner
        )  # fmt: skip
        made = world.pay(wallet, [Output(value, to, "payment")], "peel", coins=[coin])
        next_coin = made and _change_of(wallet, made)
        if not next_coin:
            return
        coin = next_coin


def _change_of(wallet: Wallet, tx: Transaction) -> Coin | None:
    """Return the coin that a wallet gave itself in a transaction."""
    for coin in reversed(wallet.coins):
        if coin.txid == tx.txid and tx.outputs[coin.n].purpose == "change":
            return coin
    return None
