"""First names that many people bear in France: what a column of names is recognised by.

The list is short on purpose: it is enough that some people of a column bear one of them.
"""

from __future__ import annotations

_LISTED = (
    "adam|adele|adrien|agathe|agnes|ahmed|aicha|alain|albert|alexandra|alexandre|alexis|ali|alice|"
    "aline|alix|amandine|ambre|amelie|amina|amine|ana|anais|andre|andrea|angelique|anna|anne|"
    "annick|annie|anthony|antoine|antonio|arnaud|arthur|assia|aurelie|aurelien|axel|aya|ayoub|"
    "aziz|baptiste|beatrice|benjamin|benoit|bernadette|bernard|bertrand|bilal|brahim|brigitte|"
    "bruno|camille|carine|carla|carlos|carmen|carole|caroline|catherine|cecile|cedric|celia|"
    "celine|chantal|charles|charlotte|chloe|christelle|christian|christiane|christine|christophe|"
    "claire|clara|claude|claudine|clemence|clement|colette|corinne|cyril|damien|daniel|danielle|"
    "david|deborah|delphine|denis|denise|didier|djamila|dominique|driss|edith|edouard|elena|"
    "eliane|elias|elisabeth|elise|ella|elodie|elsa|emile|emilie|emma|emmanuel|enzo|eric|estelle|"
    "esther|ethan|etienne|eva|evelyne|fabien|fabienne|fabrice|farid|farida|fatima|fatou|fatoumata|"
    "felix|fernand|fernanda|fernando|florence|florent|florian|francine|francis|franck|francois|"
    "francoise|frederic|gabriel|gaelle|genevieve|georges|geraldine|gerard|ghislaine|gilbert|"
    "gilles|ginette|gregory|guillaume|guy|hakim|hamid|hamza|hanna|hassan|helene|henri|hugo|hugues|"
    "ibrahim|ida|ilyes|imane|ines|irene|isabelle|ismael|jacqueline|jacques|jade|jamal|james|jean|"
    "jeanne|jennifer|jeremy|jerome|jessica|joao|joel|joelle|john|jonathan|jordan|jose|joseph|"
    "josette|josiane|juan|judith|jules|julia|julie|julien|juliette|justine|kamel|karim|karima|"
    "karine|katia|kelly|kenza|kevin|khadija|khaled|laetitia|laila|laura|laure|laurence|laurent|"
    "lea|leila|lena|leo|leon|leonie|leslie|lilia|lina|lionel|lisa|loic|louis|louise|luc|lucas|"
    "lucie|lucien|ludovic|luis|lydia|lydie|madeleine|maelle|magali|malik|malika|mamadou|manon|"
    "manuel|marc|marcel|margaux|marguerite|maria|mariam|marie|marine|marion|marius|martine|mary|"
    "mathieu|mathilde|mathis|matthieu|maud|maurice|maxime|mehdi|melanie|melissa|mia|michel|"
    "michele|michelle|mickael|mina|mireille|mohamed|mohammed|monique|mounir|moussa|mustapha|"
    "myriam|nabil|nadege|nadia|nadine|naima|nassim|natacha|nathalie|nathan|nicolas|nicole|nina|"
    "noah|noe|noemie|nora|nour|noura|odette|odile|olivia|olivier|omar|oscar|ousmane|pascal|"
    "pascale|patrice|patricia|patrick|paul|paula|paulette|pauline|pedro|peter|philippe|pierre|"
    "quentin|rachel|rachid|raphael|raymond|rebecca|regine|regis|remi|renaud|rene|renee|richard|"
    "robert|rodolphe|roger|roland|romain|romane|rose|roxane|sabine|sabrina|said|salma|salome|"
    "samia|samir|samira|samuel|sandra|sandrine|sara|sarah|sebastien|serge|severine|sidonie|simon|"
    "simone|sofia|solange|sonia|sophie|souad|stephane|stephanie|suzanne|sylvain|sylvie|tatiana|"
    "theo|theodore|therese|thibault|thierry|thomas|timothe|timothee|tom|tristan|ugo|valentin|"
    "valerie|vanessa|vera|veronique|victoire|victor|vincent|virginie|viviane|walid|william|xavier|"
    "yacine|yann|yannick|yasmine|yassine|yohan|yolande|youssef|yves|yvette|yvonne|zahra|zakaria|"
    "zineb|zoe|zohra"
)
FIRST_NAMES = frozenset(_LISTED.split("|"))
