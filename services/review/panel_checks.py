"""Invariants of panels and rounds: SQL that must return no rows; the first column names the case or call."""

from services.common.doctor import Check

PANEL_CHECKS = (
    Check(
        "review.conflicted_assignment",
        """
        select a.application_id::text as key, a.round_id, a.person_id from assignment a
        join conflict k using (application_id, person_id) join panel_round r on r.id = a.round_id
        where r.state <> 'signed'
        """,
        "somebody with a conflict of interest can still read and score the case",
    ),
    Check(
        "review.recommended_over_the_pot",
        """
        select r.call_id as key, r.id, sum(p.amount) as awarded from ranking_place p
        join panel_round r on r.id = p.round_id join call c on c.id = r.call_id
        join lateral jsonb_array_elements(c.definition -> 'panels') as panel(terms)
          on panel.terms ->> 'code' = r.panel
        where p.outcome = 'awarded'
        group by r.call_id, r.id, panel.terms
        having sum(p.amount) > (panel.terms ->> 'pot')::bigint or r.application_id is not null
        """,
        "a panel recommends more money than its pot holds, or a re-assessment gives out money",
    ),
    Check(
        "review.skipped_in_the_ranking",
        """
        select p.application_id::text as key, p.round_id, p.rank from ranking_place p
        where p.outcome = 'awarded' and (p.below <> '{}' or exists (
          select from ranking_place q where q.round_id = p.round_id and q.rank < p.rank
          and q.outcome <> 'awarded'))
        """,
        "a case is awarded below the threshold, or past one that ranks higher and is not awarded",
    ),
    Check(
        "review.ranked_without_scores",
        """
        select a.application_id::text as key, a.round_id, a.person_id from assignment a
        join panel_round r on r.id = a.round_id join cases c on c.id = a.application_id
        where r.state in ('scored', 'met', 'signed') and c.state <> 'ended'
          and not exists (select from assessment s where s.round_id = a.round_id
                          and s.application_id = a.application_id and s.person_id = a.person_id)
        """,
        "the round is past scoring, and a member who was to score the case has not",
    ),
    Check(
        "review.round_waits_without_task",
        """
        select coalesce(r.application_id::text, r.call_id) as key, r.id, w.kind from panel_round r
        cross join lateral (
          select 'declare_conflicts' as kind, r.id || '/' || m.person_id as subject from round_member m
            where m.round_id = r.id and m.declaring
          union all
          select 'judge_applications', r.id || '/' || m.person_id from round_member m
            where m.round_id = r.id and m.judging
          union all
          select 'name_standins', r.id where r.standins_wanted
          union all
          select case r.state when 'met' then 'sign_recommendation' else 'hold_meeting' end, r.id
            where r.led_by is not null
        ) w
        left join cases c on c.id = r.application_id
        where c.state is distinct from 'ended'
          and not exists (select from task t where t.subject = w.subject and t.kind = w.kind
                          and t.closed_at is null)
        """,
        "a round waits for somebody who has no open task",
    ),
    Check(
        "review.in_round_without_round",
        """
        select c.id::text as key, c.panel from cases c
        where c.state = 'in_round' and not exists (select from round_case r where r.application_id = c.id)
        """,
        "the case counts as with its panel, and no round holds it",
    ),
    Check(
        "review.panel_went_on_without",
        """
        select c.id::text as key, c.panel from cases c
        where c.state = 'in_round'
          and exists (select from round_case e join panel_round r on r.id = e.round_id
                      where e.application_id = c.id and r.state = 'signed')
          and not exists (select from ranking_place p where p.application_id = c.id)
          and not exists (select from panel_round r where r.application_id = c.id and r.state <> 'signed')
        """,
        "the panel has signed, the case lives, and nobody assesses it",
    ),
    Check(
        "review.round_complete_twice",
        """
        select key, count(*) from outbox where type = 'no.innoflyt.review.round-complete.v1'
        group by key having count(*) > 1
        """,
        "a call's round was completed more than once",
    ),
)
