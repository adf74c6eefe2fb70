// Says that the token was wrong; everything else of the form works without a script.
document.getElementById("wrong").hidden = !location.search.startsWith("?wrong");
