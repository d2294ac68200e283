@echo off
node "%~dp0..\scripts\bootstrap.mjs" || exit /b 20
node "%~dp0run.js" %*
