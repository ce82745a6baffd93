# cmake -DMUTANT=x.mutant -DSOURCE=root -DFILE=common/... -DOUT=copy -P mutate.cmake
# Writes a copy of FILE in which the mutant's text is replaced. Fails unless that text is found exactly once,
# so that a mutant can't silently become the product itself.
file(READ "${MUTANT}" mutant)
file(READ "${SOURCE}/${FILE}" text)

macro(cut before after result)
  string(FIND "${mutant}" "${before}" begin)
  string(LENGTH "${before}" length)
  math(EXPR begin "${begin} + ${length}")
  string(SUBSTRING "${mutant}" ${begin} -1 mutant)
  string(FIND "${mutant}" "${after}" length)
  if(length LESS 0)
    message(FATAL_ERROR "${MUTANT}: no ${after} after ${before}")
  endif()
  string(SUBSTRING "${mutant}" 0 ${length} ${result})
endmacro()

cut(">>> ${FILE}\n" "\n>>> to\n" from)
cut(">>> to\n" "\n>>> end\n" to)
string(FIND "${text}" "${from}" first)
string(FIND "${text}" "${from}" last REVERSE)
if(first LESS 0 OR NOT first EQUAL last)
  message(FATAL_ERROR "${MUTANT}: its text must be in ${FILE} exactly once; bring the mutant up to date:\n${from}")
endif()
string(REPLACE "${from}" "${to}" text "${text}")
file(WRITE "${OUT}" "${text}")
