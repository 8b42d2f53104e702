-- What a user of Neovim sees and does, without a screen. `tests/tests/fronts.rs` runs it in a project:
--
--   nvim --headless --clean -c 'luafile neovim.lua'
--
-- EDITOR is the directory that holds lsp/safestep.lua, SETUP and KEYS are the Lua files that the README asks for.
-- Of the migrations below db/migrations, 00002 needs a split and 00004 a fix that stays in the file.

-- What is asked of the server is answered within this time, in milliseconds.
local PATIENCE = 30000

-- The rules that complain about the open file, with their lines.
local function findings()
  local found = {}
  for _, it in ipairs(vim.diagnostic.get(0)) do
    table.insert(found, it.code .. ':' .. (it.lnum + 1))
  end
  table.sort(found)
  return table.concat(found, ' ')
end

local function await(what, holds)
  if not vim.wait(PATIENCE, holds, 10) then
    error(what .. ' never came, but ' .. findings(), 2)
  end
end

local function open(path)
  vim.cmd('edit ' .. path)
end

-- Nobody is there to choose.
vim.ui.select = function(items)
  error('one of ' .. #items .. ' is to be chosen')
end

local function main()
  -- A copy, since tags of the help are written beside it.
  local plugin = vim.env.HOME .. '/plugin'
  vim.fn.system({ 'cp', '-r', vim.env.EDITOR, plugin })
  vim.opt.runtimepath:prepend(plugin)
  vim.cmd('helptags ' .. plugin .. '/doc')
  dofile(vim.env.SETUP)
  dofile(vim.env.KEYS)

  open('db/migrations/00002_email.sql')
  await('the findings', function()
    return findings() == 'blocking-index-creation:2 missing-lock-timeout:3'
  end)

  vim.api.nvim_win_set_cursor(0, { 2, 0 })
  local client = vim.lsp.get_clients({ bufnr = 0, name = 'safestep' })[1]
  local place = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local hover = vim.lsp.buf_request_sync(0, 'textDocument/hover', place, PATIENCE)[client.id].result
  assert(hover.contents.value:find('SHARE', 1, true), vim.inspect(hover))
  if vim.lsp.inlay_hint.is_enabled({ bufnr = 0 }) then
    await('the inlay hints', function()
      return #vim.lsp.inlay_hint.get({ bufnr = 0 }) == 4
    end)
  end

  local function ask(method, params)
    local answer = vim.lsp.buf_request_sync(0, method, params, PATIENCE)[client.id]
    assert(answer and answer.result, vim.inspect(answer))
    return answer.result
  end
  vim.api.nvim_win_set_cursor(0, { 2, vim.fn.getline(2):find('ON users') + 2 })
  local definition = ask('textDocument/definition', vim.lsp.util.make_position_params(0, client.offset_encoding))
  assert(definition[1].uri:find('00001'), vim.inspect(definition))
  local lens = ask('textDocument/codeLens', { textDocument = vim.lsp.util.make_text_document_params() })
  assert(lens[1].command.command == 'safestep.showPlan', vim.inspect(lens))
  local known = client.commands['safestep.showPlan'] or vim.lsp.commands['safestep.showPlan']
  known(lens[1].command, { bufnr = 0, client_id = client.id })
  await('the plan', function()
    return vim.bo.filetype == 'markdown' and table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true)):find('CONCURRENTLY')
  end)
  vim.cmd('close')
  vim.cmd('SafestepExplain')
  await('the explanation', function()
    return vim.bo.filetype == 'markdown' and vim.fn.search('SHARE on users') > 0
  end)
  vim.cmd('close')
  vim.cmd('help :SafestepSplit')
  assert(vim.fn.expand('%:t') == 'safestep.txt')
  vim.cmd('close')

  -- Words of the configuration; other TOML files are nobody's business.
  open('safestep.toml')
  await('the server', function()
    return #vim.lsp.get_clients({ bufnr = 0, name = 'safestep' }) == 1
  end)
  vim.api.nvim_buf_set_lines(0, 0, -1, true, { 'fail-' })
  local at = { textDocument = vim.lsp.util.make_text_document_params(), position = { line = 0, character = 5 } }
  local words = ask('textDocument/completion', at)
  assert(vim.iter(words.items or words):any(function(word)
    return word.label == 'fail-on'
  end), vim.inspect(words))
  vim.cmd('bwipeout!')
  open('other.toml')
  assert(#vim.lsp.get_clients({ bufnr = 0, name = 'safestep' }) == 0)
  open('db/migrations/00002_email.sql')

  -- As typed: the finding goes away with its cause and comes back with it.
  vim.api.nvim_buf_set_lines(0, 1, 2, true, { '' })
  await('the finding about the rest', function()
    return findings() == 'missing-lock-timeout:3'
  end)
  vim.cmd('undo')
  await('the findings', function()
    return findings() == 'blocking-index-creation:2 missing-lock-timeout:3'
  end)

  vim.cmd('SafestepSplit')
  await('the split', function()
    return vim.api.nvim_buf_get_lines(0, 0, 1, true)[1] == '-- +goose NO TRANSACTION'
  end)
  await('silence', function()
    return findings() == ''
  end)
  vim.cmd('wall')

  open('db/migrations/00004_name.sql')
  await('the finding', function()
    return findings() == 'missing-lock-timeout:2'
  end)
  vim.api.nvim_feedkeys(vim.keycode('<leader>sf'), 'xt', false)
  await('the fix of all', function()
    return findings() == ''
  end)
  vim.cmd('wall')
end

local done, why = xpcall(main, debug.traceback)
if not done then
  io.stderr:write(why .. '\n')
  vim.cmd('cquit 1')
end
vim.cmd('qall!')
