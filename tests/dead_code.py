"""Names that are used where vulture can not see it: by a library, a template, JSON, or tests. Never imported."""

from typing import Any


class Everything:
    """Has every attribute: naming one here tells vulture that somebody uses it."""

    def __getattr__(self, name: str) -> Any:
        return self


used = Everything()

# pydantic calls validators and reads settings of models.
_ = (used.model_config, used._pad_to_minor_unit, used._fit_together, used._trimmed)
_ = (used._one_end_each, used._only_its_measures, used._zone_exists, used._ids_are_unique)
_ = (used.field_title_should_be_set, used._not_below_zero, used._one_price_each)
_ = (used._has_entries, used._one_book, used._days_in_order)
_ = (used._has_entries, used._one_term_each, used._one_way, used._whole)

# FastAPI and typer call functions that a decorator registered.
_ = (used.healthz, used.readyz, used.retry_one, used.retry_all, used.called, used.rebuild)
_ = (used.metrics, used.status_of_service, used.collect)
# A member of a JSON answer.
_ = (used.proposal_mark, used.deselectable)
_ = (used.rolled_back, used.retired, used.given_up)
_ = (
    used.questions_of,
    used.decided_by_mail,
    used.called_back,
    used.previewed,
    used.complete,
    used.clone,
    used.draft_pdf,
)
_ = (used.signed_in, used.signed_out, used.q)
_ = (used.make_token, used.parked_list, used.parked_show, used.parked_retry, used.show_status)
_ = (used.parked_discard, used.counted, used.diff)
_ = (used.undo, used.replayed, used.repriced, used.live_price)
_ = (used.undo,)
_ = (used.deselectable,)
_ = (used.list_versions, used.tester)
_ = (used.undo, used.export, used.tester)
_ = (used.deselectable,)
_ = (used.list_versions,)

# Extension points of libraries: eventsourcing, kafka-python, http.server, uvicorn, fontTools, WeasyPrint.
_ = (used.seal, used.MemoryBus, used.MemoryRelay)  # tests seal facts, and walk in memory
_ = (used.select_events, used.insert_events, used.max_notification_id)
_ = (used.construct_recorder, used.construct_mapper)
_ = (used.on_partitions_revoked, used.on_partitions_assigned, used.should_exit)
_ = (used.do_POST, used.log_message, used.protocol_version)
_ = (used.layout_features, used.name_IDs, used.notdef_outline, used.hinting, used.recalc_timestamp)
_ = (used.url_fetcher, used._ua_stylesheets)

# Members of facts and of JSON that others read: the customer, a CRM, an approver, an analyst.
_ = (used.answer_type, used.incoterm, used.payment, used.warranty, used.presented_by)
_ = (used.recalled_by, used.rejected_items, used.revised_by, used.withdrawn_by, used.from_stage)
_ = (used.expected_close, used.next_follow_up, used.follow_up_by, used.specversion)
_ = (used.presented_revision, used.waits_since, used.facts_until, used.started_at, used.swapped_at)
_ = (used.deselectable, used.first_month, used.each_now, used.each_then, used.item_net)
_ = (used.cash_rounding, used.pocket_margin, used.pocket_margin_percent)
_ = (used.help, used.selectable, used.deselectable, used.proposed, used.forced, used.conflicts_with)

# Members of filters: what may stand in the address of a list.
_ = (used.quote_status, used.quoted_tier, used.presented_in, used.presented_currency, used.quoted)
_ = (used.after_since,)

# What the pages print.
_ = (used.tone, used.MOVERS, used.NEXT, used.DIFFERENCES, used.in_words, used.lasting)

# The guided page: routes, and what its templates print.
_ = (
    used.leads_to,
    used.further,
)
_ = (used.instead, used.span, used.possible, used.is_long, used.takes_back)

# Sessions: what their doors answer, a page, what the list prints.
_ = (used.model_hash, used.left_out, used.comparison, used.two, used.touched_at)

# What the page templates of documents print.
_ = (used.accent, used.primary, used.wash, used.amounts_in, used.charges, used.choices)
_ = (used.footing, used.headlines, used.longest_figure, used.mark, used.specification)
_ = (used.subtotal, used.total_note, used.validity)

# Doubles, and doors that tests open: a server for one session, one step of a loop, a whole sealed fact.
_ = (used.ephemeral, used.run_once, used.MemoryOutbox, used.Servers, used.open_)
_ = (used.crash, used.data, used.socket, used.fronts, used.back_port)  # servers that tests break

# lark calls what builds the tree of a production.
_ = (used.unary, used.binary)

# lark reads how lines are indented.
_ = (used.NL_type, used.OPEN_PAREN_types, used.CLOSE_PAREN_types, used.INDENT_type)
_ = (used.DEDENT_type, used.tab_len)

# Columns of what-ifs, which files and pages read by name.
_ = (used.list_before, used.list_after, used.net_before, used.net_after, used.cost_before)
_ = (used.cost_after, used.lines_done)

# expat calls what looks at a drawing.
_ = (used.buffer_text, used.StartElementHandler, used.EndElementHandler, used.CharacterDataHandler)
_ = (used.StartDoctypeDeclHandler, used.ProcessingInstructionHandler)
