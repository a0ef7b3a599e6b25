-- The warehouse of docker-compose.yaml: forty invented tickets a day from two days ago to a month ahead, and two
-- short logs.
create database warehouse;
\connect warehouse

create table tickets (id bigint primary key, day date not null, subject text not null, body text not null);

insert into tickets
select days.n * 100 + ticket.id, current_date - 2 + days.n, ticket.subject, ticket.body
from generate_series(0, 31) as days (n)
cross join (values
  (1, 'Export stops at 10,000 rows', 'I export the yearly report as CSV and the file always ends after 10,000 rows. The screen shows 14,212.'),
  (2, 'Charged twice in March', 'Our card was charged twice on March 3rd, both times 49.00. Please refund one of them.'),
  (3, 'Dark mode', 'My team works at night in a control room. A dark theme would spare our eyes.'),
  (4, 'Cannot log in since this morning', 'The login page says "session expired" right after I type the code from my phone. It worked yesterday.'),
  (5, 'Invoice needs a purchase order number', 'Our accounting rejects invoices without our PO number. Where can I add it?'),
  (6, 'App crashes when I rotate the phone', 'Open a chart, turn the phone to landscape, and the app closes. Every time, on two phones.'),
  (7, 'Thank you', 'Just wanted to say that the new search is great. No action needed.'),
  (8, 'Webhook for deleted records', 'We get a webhook on create and on update, but none when a record is deleted. Could you add it?'),
  (9, 'How do I change the owner of a project?', 'Anna left the company and all of her projects still belong to her.'),
  (10, 'VAT is wrong on the last invoice', 'We moved from Austria to Ireland in May, but the invoice still has 20% VAT.'),
  (11, 'Umlauts broken in PDF', 'Names such as Müller or Jørgensen come out as M?ller and J?rgensen in the PDF, while the web page is right.'),
  (12, 'Slow dashboard', 'The dashboard takes 40 seconds to load since the last release. It was 3 before. We look at it all day.'),
  (13, 'Cancel my plan', 'Please cancel at the end of the period. We close the business.'),
  (14, 'Add single sign-on', 'We are 300 people now and our security team insists on SAML before we can renew.'),
  (15, 'Reminder mails sent three times', 'Every customer got the same payment reminder three times last night. This is embarrassing, please stop it.'),
  (16, 'Student discount?', 'Is there a price for universities? We would need about 25 seats.'),
  (17, 'Date filter ignores time zone', 'Filtering for "today" in Auckland shows the records of yesterday until noon.'),
  (18, 'Keyboard shortcuts', 'Could the table be used with arrow keys, and Enter to open a row?'),
  (19, 'API returns 500 for empty tags', 'POST /records with "tags": [] answers 500. With null or one tag it is fine.'),
  (20, 'Where is my data stored?', 'Our auditor asks for the country and for the provider of the data centre.'),
  (21, 'Downgrade not applied', 'I chose the small plan on the 1st, but was billed for the large one on the 5th.'),
  (22, 'Undo for bulk edits', 'I changed the status of 800 orders by mistake and had to write them back by hand. Undo would have saved my day.'),
  (23, 'Attachment upload stuck at 99%', 'Files over 20 MB never finish. Smaller ones work. Firefox and Chrome alike.'),
  (24, 'Delete my account', 'Under the GDPR I ask you to delete my account and to confirm it in writing.'),
  (25, 'Charts for colour-blind people', 'Red and green lines look the same to me. Patterns or another palette would help.'),
  (26, 'Numbers off by one cent', 'The total of the quote is 119.99, the sum of its lines is 120.00. Customers notice.'),
  (27, 'Trial ended too early', 'You promised 30 days, mine ended after 14. I had no time to test with real data.'),
  (28, 'Import from spreadsheets', 'Please let us map columns when we import a spreadsheet; we rename them by hand each week.'),
  (29, 'Two-factor codes by SMS do not arrive', 'Nobody in our Polish office has received a code since Friday. We are locked out.'),
  (30, 'Change of bank details', 'Our bank account changed. Which form do you need for the direct debit?'),
  (31, 'Search finds deleted items', 'Deleted notes still show up in the search and open an empty page.'),
  (32, 'Public holiday calendar', 'The planner should know public holidays per country, ours schedules work on Christmas.'),
  (33, 'Need a receipt, not an invoice', 'The tax office wants a receipt with the date of payment. Can I download one?'),
  (34, 'Comments lost after refresh', 'I wrote a long comment, the page refreshed by itself, and the text was gone. Second time this week.'),
  (35, 'Read-only role', 'Our board wants to look but must not be able to change anything. Is there such a role?'),
  (36, 'Currency', 'We sell in CHF, but the shop shows EUR for two of twelve products.'),
  (37, 'Print view cuts the last column', 'Printing the schedule in landscape cuts the column "room". We pin it to the door, so it matters.'),
  (38, 'Price increase', '18% more at renewal and nobody told us. Please explain, or we will look around.'),
  (39, 'Video call in tickets', 'It would be handy to start a call from a ticket instead of sending links around.'),
  (40, 'Password reset mail goes to the old address', 'I changed my address last year, the reset link is still sent to the old one.')
) as ticket (id, subject, body);

create table logs (system text, line_no bigint, line text not null, primary key (system, line_no));

insert into logs values
  ('apache', 1, '[notice] workerEnv.init() ok /etc/httpd/conf/workers2.properties'),
  ('apache', 2, '[error] mod_jk child workerEnv in error state 6'),
  ('apache', 3, '[notice] jk2_init() Found child 6725 in scoreboard slot 10'),
  ('apache', 4, '[error] [client 203.0.113.9] Directory index forbidden by rule: /var/www/html/'),
  ('sshd', 1, 'Failed password for invalid user admin from 203.0.113.7 port 38926 ssh2'),
  ('sshd', 2, 'Accepted publickey for deploy from 198.51.100.4 port 50022 ssh2'),
  ('sshd', 3, 'Received disconnect from 203.0.113.7: 11: Bye Bye [preauth]'),
  ('sshd', 4, 'Connection closed by 198.51.100.4');
