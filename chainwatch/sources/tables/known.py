"""Every kind of table whose header is known: an entry each, data and no program.

An entry says which column holds what, what the table leaves out, and where its header is
documented. The documents were read in November 2026, but for those of Blockchair and of cryo's
traces: their headers are as described by others. A header that has changed since is told by its
columns.
"""

from __future__ import annotations

from chainwatch.sources.tables.shape import Part, Shape, Sibling

_ETL = "https://ethereum-etl.readthedocs.io/en/latest/schema/"
_BIGQUERY = "https://github.com/blockchain-etl/ethereum-etl-airflow, dags/resources/stages"
_AWS = "https://github.com/aws-solutions-library-samples/guidance-for-digital-assets-on-aws"
_CRYO = "https://github.com/paradigmxyz/cryo, crates/freeze/src/datasets"
_BLOCKCHAIR = "https://github.com/Blockchair/Blockchair.Support, README of the dumps"
_BLOCKSCOUT = "https://github.com/blockscout/blockscout, Explorer.Chain.CsvExport"
_ETHERSCAN = "https://info.etherscan.com/exporting-data/"
_TRONSCAN = "https://docs.tronscan.org, export of token transfers"

_NO_STATUS = "it does not say which transactions failed: give receipts of the same export"
_NO_INTERNAL = "it has no internal transfers and no tokens"
_NFT = (
    "it does not tell tokens that are counted from those that are unique: of an ERC-721 token the"
    " amount is the id"
)
_DOUBLES = (
    "amounts are doubles: what is 2^53 base units or more cannot be read exactly and is set apart"
)
_ONE_ADDRESS = "it is the history of one address: say whose with history_of"
_NO_PLACE = "it names no place of a log: equal transfers of one transaction count as listed"

_TX = {
    "txid": "hash", "sender": "from_address", "receiver": "to_address", "amount": "value",
    "height": "block_number", "position": "transaction_index",
}  # fmt: skip
_RECEIPT = {"result": "receipt_status", "created": "receipt_contract_address"}
_WORDS = {"success": "1", "failure": "0"}
_NATIVE = (Part("native"),)
_TOKEN = {
    "txid": "transaction_hash", "sender": "from_address", "receiver": "to_address",
    "amount": "value", "contract": "token_address", "height": "block_number",
    "log_index": "log_index",
}  # fmt: skip
_TRACE = {
    "txid": "transaction_hash", "sender": "from_address", "receiver": "to_address",
    "amount": "value", "height": "block_number", "position": "transaction_index",
    "trace_path": "trace_address", "result": "status",
}  # fmt: skip
_NO_VALUE = ("delegatecall", "callcode", "staticcall")
_TRACE_PARTS = (
    Part("native", {"trace_address": ("",)}, {"call_type": _NO_VALUE}),
    Part("internal", {}, {"trace_address": ("",), "call_type": _NO_VALUE, "value": ("", "0")}),
)
_LOG = {
    "txid": "transaction_hash", "log_index": "log_index", "position": "transaction_index",
    "height": "block_number", "contract": "address", "data": "data",
}  # fmt: skip
_LOGS = {**_LOG, "topics": "topics"}
_LISTED = (
    "of logs those are kept that ledger/accounts/contract_events.py lists; of transfers give the"
    " table of transfers"
)
_TIME = {"time": "block_timestamp"}
_DATED = ("last_modified",)

_ETHEREUM_ETL = (
    Shape(
        "ethereum-etl transactions", _ETL, _TX, {**_TIME, **_RECEIPT}, _WORDS, ("nonce", "gas"),
        _NATIVE, lacks=(_NO_STATUS, _NO_INTERNAL),
    ),
    Shape("ethereum-etl token_transfers", _ETL, _TOKEN, _TIME, parts=(Part("erc20"),),
          lacks=(_NFT,)),
    Shape("ethereum-etl traces", _ETL, _TRACE, _TIME, _WORDS, ("trace_type", "subtraces"),
          _TRACE_PARTS, without_transfers="give traces of export_traces: those that"
          " extract_geth_traces makes name no transaction"),
    Shape(
        "BigQuery crypto_ethereum.transactions", _BIGQUERY, {**_TX, **_TIME, **_RECEIPT}, {},
        _WORDS, ("nonce", "gas", "receipt_gas_used"), _NATIVE, lacks=(_NO_INTERNAL,),
    ),
    Shape(
        "BigQuery crypto_ethereum.token_transfers", _BIGQUERY, {**_TOKEN, **_TIME}, {},
        also=("block_hash",), parts=(Part("erc20"),), lacks=(_NFT,),
    ),
    Shape(
        "BigQuery crypto_ethereum.traces", _BIGQUERY, {**_TRACE, **_TIME}, {}, _WORDS,
        ("trace_type", "subtraces", "block_hash"), _TRACE_PARTS,
    ),
    Shape(
        "AWS eth transactions", _AWS, {**_TX, **_TIME, **_RECEIPT}, {}, _WORDS,
        ("nonce", "gas", "receipt_gas_used", *_DATED), _NATIVE, lacks=(_DOUBLES, _NO_INTERNAL),
    ),
    Shape(
        "AWS eth token_transfers", _AWS, {**_TOKEN, **_TIME}, {},
        also=("block_hash", *_DATED), parts=(Part("erc20"),), lacks=(_DOUBLES, _NFT),
    ),
    Shape(
        "AWS eth traces", _AWS, {**_TRACE, **_TIME}, {}, _WORDS,
        ("trace_type", "subtraces", "block_hash", *_DATED), _TRACE_PARTS, lacks=(_DOUBLES,),
    ),
    Shape("ethereum-etl logs", _ETL, _LOGS, _TIME, logs=True, lacks=(_LISTED,)),
    Shape("BigQuery crypto_ethereum.logs", _BIGQUERY, {**_LOGS, **_TIME}, {},
          also=("block_hash",), logs=True, lacks=(_LISTED,)),
    Shape("AWS eth logs", _AWS, {**_LOGS, **_TIME}, {}, also=("block_hash", *_DATED), logs=True,
          lacks=(_LISTED,)),
)  # fmt: skip

_CRYO_TX = {
    "txid": "transaction_hash", "sender": "from_address", "receiver": "to_address",
    "amount": "value_string|value_str|value", "height": "block_number",
    "position": "transaction_index",
}  # fmt: skip
_CRYO_TABLES = (
    Shape(
        "cryo transactions", _CRYO, _CRYO_TX, {"time": "timestamp", "result": "success"},
        {"success": "true", "failure": "false"}, ("nonce", "gas_limit"), _NATIVE,
        chain_id="chain_id", lacks=(_NO_INTERNAL,),
    ),
    Shape(
        "cryo erc20_transfers", _CRYO, {**_CRYO_TX, "contract": "erc20", "log_index": "log_index"},
        {"time": "timestamp"}, parts=(Part("erc20"),), chain_id="chain_id", padded=True,
    ),
    Shape(
        "cryo traces", _CRYO,
        {
            "txid": "transaction_hash", "sender": "action_from", "receiver": "action_to",
            "amount": "action_value", "height": "block_number", "trace_path": "trace_address",
        },
        {"position": "transaction_index|transaction_position", "time": "timestamp",
         "created": "result_address", "result": "error"},
        {"success": "", "failure": "*"},
        ("action_type",),
        (
            Part("native", {"trace_address": ("",)}, {"action_call_type": _NO_VALUE}),
            Part("internal", {}, {"trace_address": ("",), "action_call_type": _NO_VALUE,
                                  "action_value": ("", "0")}),
        ),
        chain_id="chain_id", inherits=True,
    ),
    Shape(
        "cryo logs", _CRYO, {**_LOG, **{f"topic{n}": f"topic{n}" for n in range(4)}},
        {"time": "timestamp"}, chain_id="chain_id", logs=True, lacks=(_LISTED,),
    ),
)  # fmt: skip

_BLOCKCHAIR_TABLES = (
    Shape(
        "Blockchair ethereum calls", _BLOCKCHAIR,
        {
            "txid": "transaction_hash", "sender": "sender", "receiver": "recipient",
            "amount": "value", "height": "block_id", "time": "time", "trace_path": "index",
            "result": "transferred",
        },
        {}, {"success": "1", "failure": "0"}, ("depth", "type"),
        (
            Part("native", {"index": ("0",)}, {"type": _NO_VALUE}),
            Part("internal", {}, {"index": ("0",), "type": _NO_VALUE, "value": ("", "0")}),
        ),
        chain="eth", rooted=True,
    ),
    Shape(
        "Blockchair erc-20 transactions", _BLOCKCHAIR,
        {
            "txid": "transaction_hash", "sender": "sender", "receiver": "recipient",
            "amount": "value", "height": "block_id", "time": "time", "contract": "token_address",
            "decimals": "token_decimals", "symbol": "token_symbol",
        },
        parts=(Part("erc20"),), chain="eth", lacks=(_NO_PLACE,),
    ),
)  # fmt: skip

_EXPLORERS = (
    Shape(
        "Etherscan transactions", _ETHERSCAN,
        {
            "txid": "Transaction Hash|Txhash", "sender": "From", "receiver": "To",
            "created": "ContractAddress", "amount": ("Value_IN(*)", "Value_OUT(*)"),
            "height": "Blockno", "time": "UnixTimestamp", "result": "Status",
        },
        {}, {"success": "", "failure": "*", "amount_unit": "whole",
             "time_unit": "s"},
        ("TxnFee(USD)",), _NATIVE, lacks=(_ONE_ADDRESS, _NO_INTERNAL),
    ),
    Shape(
        "Etherscan internal transactions", _ETHERSCAN,
        {
            "txid": "Transaction Hash|Txhash", "sender": "From", "receiver": "TxTo",
            "created": "ContractAddress", "amount": ("Value_IN(*)", "Value_OUT(*)"),
            "height": "Blockno", "time": "UnixTimestamp", "result": "Status",
        },
        {}, {"success": "0", "failure": "1", "amount_unit": "whole", "time_unit": "s"},
        ("ParentTxFrom", "ParentTxTo"), (Part("internal"),), lacks=(_ONE_ADDRESS, _NO_PLACE),
    ),
    Shape(
        "Etherscan token transfers", _ETHERSCAN,
        {
            "txid": "Transaction Hash|Txhash", "sender": "From", "receiver": "To",
            "amount": "TokenValue|Value", "contract": "ContractAddress", "symbol": "TokenSymbol",
            "height": "Blockno", "time": "UnixTimestamp",
        },
        {}, {"amount_unit": "whole", "time_unit": "s"}, ("TokenName",), (Part("erc20"),),
        lacks=("amounts are whole tokens and no column has decimals: name them, contract by"
               " contract", _ONE_ADDRESS, _NO_PLACE),
    ),
    Shape(
        "Blockscout transactions", _BLOCKSCOUT,
        {
            "txid": "TxHash", "sender": "FromAddress", "receiver": "ToAddress",
            "created": "ContractAddress", "amount": "Value", "height": "BlockNumber",
            "time": "UnixTimestamp", "result": "Status",
        },
        {}, {"success": "ok", "failure": "error"}, ("Fee", "ErrCode"), _NATIVE,
        lacks=(_ONE_ADDRESS, _NO_INTERNAL),
    ),
    Shape(
        "Blockscout internal transactions", _BLOCKSCOUT,
        {
            "txid": "TxHash", "sender": "FromAddress", "receiver": "ToAddress",
            "created": "ContractAddress", "amount": "Value", "height": "BlockNumber",
            "time": "UnixTimestamp", "result": "ErrCode",
        },
        {}, {"success": "", "failure": "*"},
        ("Index", "BlockHash", "Gas"),
        (Part("internal", {}, {"CallType": _NO_VALUE, "Value": ("", "0")}),),
        lacks=(_ONE_ADDRESS, _NO_PLACE),
    ),
    Shape(
        "Blockscout token transfers", _BLOCKSCOUT,
        {
            "txid": "TxHash", "sender": "FromAddress", "receiver": "ToAddress",
            "amount": "TokensTransferred", "contract": "TokenContractAddress",
            "symbol": "TokenSymbol", "height": "BlockNumber", "time": "UnixTimestamp",
        },
        {"decimals": "TokenDecimals", "result": "Status"}, {"success": "ok", "failure": "error"},
        (), (Part("erc20"),),
        lacks=(_ONE_ADDRESS, _NO_PLACE),
    ),
    Shape(
        "Tronscan token transfers", _TRONSCAN,
        {
            "txid": "transaction_id", "sender": "from_address", "receiver": "to_address",
            "amount": "quant", "contract": "contract_address|token_id", "height": "block",
            "time": "block_ts", "result": "contractRet",
        },
        {"decimals": "tokenDecimal|token_decimal", "symbol": "token_abbr|tokenAbbr"},
        {"success": "SUCCESS"}, (), (Part("trc20"),), chain="tron",
        lacks=(_ONE_ADDRESS, _NO_PLACE),
    ),
)  # fmt: skip

_COIN_BLOCK = "a place in a block is needed, and proven: give whole blocks"
_COINS = (
    Shape(
        "bitcoin-etl transactions", "https://github.com/blockchain-etl/bitcoin-etl",
        {one: one for one in ("hash", "block_hash", "block_number", "block_timestamp", "version",
                              "lock_time", "is_coinbase", "inputs", "outputs")},
        lacks=(_COIN_BLOCK,), beside=("blocks",),
    ),
    Shape(
        "AWS btc transactions", _AWS,
        {one: one for one in ("hash", "block_hash", "block_number", "block_timestamp", "version",
                              "lock_time", "is_coinbase", "inputs", "outputs", "index", *_DATED)},
        lacks=(_COIN_BLOCK,), beside=("blocks",),
    ),
    Shape(
        "Blockchair bitcoin transactions", _BLOCKCHAIR,
        {one: one for one in ("block_id", "hash", "time", "size", "weight", "version", "lock_time",
                              "is_coinbase", "input_count", "output_count")},
        lacks=(_COIN_BLOCK,), beside=("blocks", "inputs", "outputs"),
    ),
)  # fmt: skip

SHAPES: tuple[Shape, ...] = (
    *_ETHEREUM_ETL,
    *_CRYO_TABLES,
    *_BLOCKCHAIR_TABLES,
    *_EXPLORERS,
    *_COINS,
)
"""All of them. BigQuery's ``crypto_bitcoin.transactions`` has the columns of bitcoin-etl."""


SIBLINGS = (
    Sibling(
        "ethereum-etl blocks",
        ("number", "hash", "parent_hash", "miner", "transaction_count"),
        "headers, without payments",
        "give the transactions, token_transfers or traces of the same export",
    ),
    Sibling(
        "ethereum-etl receipts",
        ("transaction_hash", "cumulative_gas_used", "gas_used", "status"),
        "what came of transactions, without payments",
        "give it as receipts beside the transactions of the same export",
    ),
    Sibling(
        "ethereum-etl logs",
        ("log_index", "transaction_hash", "address", "data", "topics"),
        "events as contracts wrote them, without their place in the chain",
        "export block_number and transaction_index with them; of transfers give token_transfers of"
        " the same export (extract_token_transfers makes them of logs)",
    ),
    Sibling(
        "ethereum-etl tokens",
        ("address", "symbol", "name", "decimals", "total_supply"),
        "names and decimals of token contracts, without transfers",
        "give token_transfers; decimals are given as CONTRACT=NUMBER",
    ),
    Sibling(
        "ethereum-etl contracts",
        ("address", "bytecode", "function_sighashes"),
        "the programs of contracts, without transfers",
        "give the transactions, token_transfers or traces of the same export",
    ),
)
"""Tables of an export that hold no transfers, and what to give in their place."""
